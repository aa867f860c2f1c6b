import { existsSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { type Database, parseDatabaseUrl } from './database.ts'
import { DatabaseOpenError } from './errors.ts'

/** Whether the database that a URL names is there already: a SQLite file is made at its first use. */
export function databaseExists(url: string): boolean {
  const target = parseDatabaseUrl(url)
  return target.kind === 'postgres' || existsSync(target.path)
}

/**
 * Writes a copy of a SQLite database, as it is at one moment, into a new or an empty file, and checks the copy. Whoever
 * writes meanwhile is not held up. What was deleted is not in it.
 *
 * @throws {DatabaseOpenError} when the copy is not whole.
 */
export async function copySqlite({ db }: Pick<Database, 'db'>, file: string): Promise<void> {
  // Unlike the backup API it does not begin anew whenever another process writes.
  await sql`vacuum into ${file}`.execute(db)
  const copy = new Sqlite(file, { readonly: true })
  try {
    const result = copy.pragma('integrity_check', { simple: true })
    if (result !== 'ok') throw new DatabaseOpenError(`the copy is damaged: ${result}`)
  } finally {
    copy.close()
  }
}
