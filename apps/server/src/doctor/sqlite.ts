import { type Executor, inspectSqlite, inspectSqliteFile } from '@sotto/db'
import { type Finding, failed, ok, warning } from './finding.ts'

const MEGABYTE = 1_000_000
/** Below this a busy server is without a disk within the hour. */
const LOW_SPACE = 200 * MEGABYTE
/** SQLite begins its log anew at some 4 MB, unless somebody reads for long. */
const LONG_WAL = 256 * MEGABYTE

/** Where the file lies, and who may do what with it. Nothing for other databases. */
export function* examineSqliteFile(databaseUrl: string): Generator<Finding> {
  const file = inspectSqliteFile(databaseUrl)
  if (!file) return
  yield file.canWriteBeside
    ? ok('files', `${file.path} can be written`)
    : failed(
        'files',
        `${file.path} or its folder cannot be written by this user`,
        'give this user the right to',
      )
  const [open] = file.openToOthers
  yield open === undefined
    ? ok('permissions', 'others on this machine cannot read the data')
    : warning(
        'permissions',
        `others on this machine can read ${file.openToOthers.join(' and ')}`,
        `chmod 600 ${open}`,
      )
  yield examineSpace(file)
  yield file.walSize < LONG_WAL
    ? ok('write-ahead log', megabytes(file.walSize))
    : warning(
        'write-ahead log',
        `has grown to ${megabytes(file.walSize)}`,
        'see who reads for so long: an export, or a program of your own',
      )
  yield ok('lock', file.isHeld ? 'a server has the file' : 'no server has the file')
}

function examineSpace({ freeSpace, size }: { freeSpace: number; size: number }): Finding {
  const detail = `${megabytes(freeSpace)} are free, the database has ${megabytes(size)}`
  if (freeSpace < LOW_SPACE) return failed('disk', detail, 'make room: without it nothing can be sent')
  // What a backup beside it takes.
  if (freeSpace < size)
    return warning('disk', detail, 'make room: a backup or a large erasure needs as much again')
  return ok('disk', detail)
}

/** How SQLite works on the file. Nothing for other databases. */
export async function* examineSqlite(databaseUrl: string, db: Executor): AsyncGenerator<Finding> {
  if (!inspectSqliteFile(databaseUrl)) return
  const { version, journalMode } = await inspectSqlite(db)
  yield journalMode === 'wal'
    ? ok('durability', `SQLite ${version}, write-ahead log, every commit waits for the disk`)
    : failed(
        'durability',
        `SQLite ${version} cannot keep a write-ahead log here (${journalMode})`,
        'put the file on a disk of this machine: file systems over a network do not carry it',
      )
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toLocaleString('en', { maximumFractionDigits: 1 })} MB`
}
