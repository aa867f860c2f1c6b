import { existsSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { type Database, parseDatabaseUrl } from './database.ts'
import { DatabaseOpenError } from './errors.ts'

/** Whether the database exists already. A SQLite file is created on first use; PostgreSQL always counts as existing. */
export function databaseExists(url: string): boolean {
  const target = parseDatabaseUrl(url)
  return target.kind === 'postgres' || existsSync(target.path)
}

/**
 * Copies a SQLite database, as of one moment, into a new or empty file and verifies the copy. Writers are not blocked.
 * The copy holds no remains of deleted data.
 *
 * @throws {DatabaseOpenError} if the copy is damaged.
 */
export async function copySqlite({ db }: Pick<Database, 'db'>, file: string): Promise<void> {
  // Unlike the backup API, `vacuum into` does not start over when another process writes.
  await sql`vacuum into ${file}`.execute(db)
  const copy = new Sqlite(file, { readonly: true })
  try {
    const result = copy.pragma('integrity_check', { simple: true })
    if (result !== 'ok') throw new DatabaseOpenError(`the copy is damaged: ${result}`)
  } finally {
    copy.close()
  }
}
