import { type Executor, inspectSqlite, inspectSqliteFile } from '@sotto/db'
import { type Finding, failed, ok, warning } from './finding.ts'

const MEGABYTE = 1_000_000
/** A busy server can use this much within an hour. */
const LOW_SPACE = 200 * MEGABYTE
/** SQLite resets the write-ahead log at about 4 MB, unless a long-running reader prevents it. */
const LONG_WAL = 256 * MEGABYTE

/** Checks the file, its permissions and its disk. Yields nothing for other databases. */
export function* examineSqliteFile(databaseUrl: string): Generator<Finding> {
  const file = inspectSqliteFile(databaseUrl)
  if (!file) return
  yield file.canWriteBeside
    ? ok('files', `${file.path} is writable`)
    : failed(
        'files',
        `${file.path} or its folder is not writable for this user`,
        'grant this user write access',
      )
  const [open] = file.openToOthers
  yield open === undefined
    ? ok('permissions', 'only this user can read the data')
    : warning(
        'permissions',
        `other users of this host can read ${file.openToOthers.join(' and ')}`,
        `chmod 600 ${open}`,
      )
  yield examineSpace(file)
  yield file.walSize < LONG_WAL
    ? ok('write-ahead log', megabytes(file.walSize))
    : warning(
        'write-ahead log',
        `has grown to ${megabytes(file.walSize)}`,
        'look for a long-running reader, such as an export or another program',
      )
  yield ok('lock', file.isHeld ? 'a server has the file open' : 'no server has the file open')
}

function examineSpace({ freeSpace, size }: { freeSpace: number; size: number }): Finding {
  const detail = `${megabytes(freeSpace)} free, the database uses ${megabytes(size)}`
  if (freeSpace < LOW_SPACE)
    return failed('disk', detail, 'free disk space: without it, messages cannot be sent')
  // A backup needs as much as the database.
  if (freeSpace < size)
    return warning(
      'disk',
      detail,
      'free disk space: a backup or a large erasure needs as much as the database',
    )
  return ok('disk', detail)
}

/** Checks durability. Yields nothing for other databases. */
export async function* examineSqlite(databaseUrl: string, db: Executor): AsyncGenerator<Finding> {
  if (!inspectSqliteFile(databaseUrl)) return
  const { version, journalMode } = await inspectSqlite(db)
  yield journalMode === 'wal'
    ? ok('durability', `SQLite ${version}, write-ahead log, every commit is synced to disk`)
    : failed(
        'durability',
        `SQLite ${version} cannot use a write-ahead log here (journal mode ${journalMode})`,
        'move the file to a local disk: network file systems do not support it',
      )
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toLocaleString('en', { maximumFractionDigits: 1 })} MB`
}
