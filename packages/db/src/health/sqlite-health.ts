import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { parseDatabaseUrl } from '../database.ts'
import { isBusy } from '../dialect/sqlite-driver.ts'
import type { Executor } from '../statement.ts'

/** The state of a SQLite file and its directory. Sizes are in bytes. */
export interface SqliteFileHealth {
  path: string
  exists: boolean
  /** Whether the directory, or the nearest existing one above it, and the file are writable. */
  canWriteBeside: boolean
  freeSpace: number
  size: number
  walSize: number
  /** Files that other users of the host can read or write. */
  openToOthers: string[]
  /** Whether a server or an import has locked it. */
  isHeld: boolean
}

/** Changes nothing and creates no file. Undefined if the database is not a file. */
export function inspectSqliteFile(url: string): SqliteFileHealth | undefined {
  const target = parseDatabaseUrl(url)
  if (target.kind === 'postgres' || target.path === ':memory:') return undefined
  const { path } = target
  const directory = nearestDirectory(path)
  const { bavail, bsize } = statfsSync(directory)
  const secret = `${path}.secret`
  return {
    path,
    exists: existsSync(path),
    canWriteBeside: mayWrite(directory) && (!existsSync(path) || mayWrite(path)),
    freeSpace: bavail * bsize,
    size: sizeOf(path),
    walSize: sizeOf(`${path}-wal`),
    openToOthers: isReachable(directory) ? [path, secret].filter(isOpenToOthers) : [],
    isHeld: isHeld(`${path}.lock`),
  }
}

export interface SqliteSettings {
  version: string
  journalMode: string
}

/** The version and settings in effect. */
export async function inspectSqlite(db: Executor): Promise<SqliteSettings> {
  const version = await sql<{ version: string }>`select sqlite_version() as version`.execute(db)
  const journal = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db)
  return {
    version: version.rows[0]?.version ?? '',
    journalMode: journal.rows[0]?.journal_mode ?? '',
  }
}

function nearestDirectory(path: string): string {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    if (existsSync(directory) || directory === dirname(directory)) return directory
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

const OTHERS_MAY_ENTER = 0o001
const OTHERS_MAY_READ_OR_WRITE = 0o006

function isReachable(directory: string): boolean {
  return (statSync(directory).mode & OTHERS_MAY_ENTER) !== 0
}

function isOpenToOthers(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & OTHERS_MAY_READ_OR_WRITE) !== 0
}

/** Checks without locking: taking the lock could prevent a server from starting at this moment. */
function isHeld(lockFile: string): boolean {
  if (!existsSync(lockFile)) return false
  const lock = new Sqlite(lockFile, { readonly: true, timeout: 0 })
  try {
    lock.prepare('select count(*) from sqlite_master').get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    lock.close()
  }
}
