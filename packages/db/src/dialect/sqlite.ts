import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type Dialect, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { DatabaseOpenError } from '../errors.ts'
import { keepPrivate, restrict } from './private-file.ts'
import { BUSY_TIMEOUT_MS, type GroupCommitListener, isBusy, SqliteDriver } from './sqlite-driver.ts'

/** Runs DDL in transactions. SQLite supports this, but Kysely's adapter assumes it does not. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }

  // The driver serializes writers itself, so that transactions can share a commit.
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/** @param source a path, `:memory:`, or the contents of a database to copy into memory */
export function sqliteDialect(source: string | Buffer, onGroupCommit?: GroupCommitListener): Dialect {
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => new SqliteDriver(() => openFiles(source), onGroupCommit),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

function openFiles(path: string | Buffer) {
  if (path === ':memory:' || typeof path !== 'string') {
    return { writer: openConnection(path), reader: undefined, openReader: undefined }
  }
  mkdirSync(dirname(path), { recursive: true })
  // SQLite gives its other files the mode of the database.
  keepPrivate(path)
  for (const suffix of ['-wal', '-shm']) restrict(`${path}${suffix}`)
  const openReader = () => {
    const reader = openConnection(path)
    reader.pragma('query_only = on')
    return reader
  }
  return { writer: openConnection(path), reader: openReader(), openReader }
}

function openConnection(path: string | Buffer): Sqlite.Database {
  const database = new Sqlite(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    database.pragma('journal_mode = wal')
    // With NORMAL, a power loss can lose acknowledged commits. With FULL it cannot.
    database.pragma('synchronous = full')
    database.pragma('foreign_keys = on')
    // Overwrites deleted data with zeros, so that no page of the file contains it.
    database.pragma('secure_delete = on')
    // Negative means KiB. Enough for the inner index pages of a few million messages.
    database.pragma('cache_size = -32768')
    database.pragma('temp_store = memory')
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/**
 * Locks the file for this process until released. However the process ends, the operating system releases the lock.
 *
 * Uses a separate lock file, because holding the database's own lock would block backups and the command line.
 */
export function lockSqliteFile(path: string): () => void {
  if (path === ':memory:') return () => {}
  const lock = openLockFile(path)
  try {
    lock.pragma('journal_mode = delete')
    lock.exec('begin exclusive')
    // Some file systems only enforce the lock once something is written.
    lock.exec(`create table if not exists holder (id text); insert into holder values ('${randomUUID()}')`)
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw cannotLock(path, error)
    throw new DatabaseOpenError(`another server is running on ${path}`, { cause: error })
  }
  return () => lock.close()
}

function openLockFile(path: string): Sqlite.Database {
  try {
    mkdirSync(dirname(path), { recursive: true })
    keepPrivate(`${path}.lock`)
    return new Sqlite(`${path}.lock`, { timeout: 0 })
  } catch (error) {
    throw cannotLock(path, error)
  }
}

function cannotLock(path: string, error: unknown): DatabaseOpenError {
  const reason = error instanceof Error ? error.message : String(error)
  return new DatabaseOpenError(`cannot open ${path}: ${reason}`, { cause: error })
}
