import { sql } from 'kysely'
import { isPostgres } from './dialect/column-types.ts'
import type { Executor } from './statement.ts'

/**
 * Moves the contents of SQLite's write-ahead log into the database file and empties the log, so that neither holds
 * deleted data. Does nothing on PostgreSQL, which recycles its log.
 *
 * @returns false if another connection, such as a backup, was reading. Try again later.
 */
export async function emptyWriteAheadLog(db: Executor): Promise<boolean> {
  if (isPostgres(db)) return true
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db)
  return rows[0]?.busy !== 1
}
