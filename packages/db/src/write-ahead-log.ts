import { sql } from 'kysely'
import { isPostgres } from './dialect/column-types.ts'
import type { Executor } from './statement.ts'

/**
 * Brings what SQLite's write-ahead log holds into the file and empties the log, so that what was deleted is in
 * neither. Nothing to do on PostgreSQL, which recycles its own.
 *
 * @returns false when somebody else, such as a backup, was reading meanwhile: try again later.
 */
export async function emptyWriteAheadLog(db: Executor): Promise<boolean> {
  if (isPostgres(db)) return true
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db)
  return rows[0]?.busy !== 1
}
