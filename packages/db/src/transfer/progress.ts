import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { DatabaseOpenError } from '../errors.ts'
import type { Executor } from '../statement.ts'

/** Only one import runs at a time, so there is one row. */
const ID = 1

export interface ImportProgress {
  exportId: string
  /** The number of lines of the export that are in the database. */
  lines: number
}

/** The unfinished import, if any. */
export async function findImport(db: Executor): Promise<ImportProgress | undefined> {
  const row = await db
    .selectFrom('import_progress')
    .select(['export_id', 'lines'])
    .where('id', '=', ID)
    .executeTakeFirst()
  return row && { exportId: row.export_id, lines: row.lines }
}

/** Fails with a unique violation if another import has begun. */
export async function beginImport(trx: Executor, exportId: string, at: Date): Promise<void> {
  await trx
    .insertInto('import_progress')
    .values({ id: ID, export_id: exportId, lines: 0, started_at: at })
    .execute()
}

/** Records the progress in the transaction that writes the lines. @returns false if another process has advanced it. */
export async function advanceImport(trx: Executor, from: ImportProgress, lines: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('import_progress')
    .set({ lines })
    .where('export_id', '=', from.exportId)
    .where('lines', '=', from.lines)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** @returns false if another process has advanced or ended it. */
export async function endImport(trx: Executor, { exportId, lines }: ImportProgress): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('import_progress')
    .where('export_id', '=', exportId)
    .where('lines', '=', lines)
    .executeTakeFirst()
  return numDeletedRows === 1n
}

/** @throws {DatabaseOpenError} if the database contains an unfinished import. */
export async function requireWhole(db: Executor): Promise<void> {
  if (!(await findImport(db))) return
  throw new DatabaseOpenError(
    'the database holds part of an import: finish it with sotto import and the same file, or start with an empty database',
  )
}

/**
 * The number of connections that other Sotto processes have to this database. Always 0 on SQLite, where a server locks
 * the file.
 */
export async function countOtherSessions(db: Executor): Promise<number> {
  if (!isPostgres(db)) return 0
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from pg_stat_activity
    where datname = current_database() and application_name in ('sotto', 'sotto hints') and pid <> pg_backend_pid()
  `.execute(db)
  return rows[0]?.count ?? 0
}
