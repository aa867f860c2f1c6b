import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { DatabaseOpenError } from '../errors.ts'
import type { Executor } from '../statement.ts'

/** There is one import at a time, and it has this row. */
const ID = 1

export interface ImportProgress {
  exportId: string
  /** How many lines of the export are in the database. */
  lines: number
}

/** The import that has begun and not ended; undefined without one. */
export async function findImport(db: Executor): Promise<ImportProgress | undefined> {
  const row = await db
    .selectFrom('import_progress')
    .select(['export_id', 'lines'])
    .where('id', '=', ID)
    .executeTakeFirst()
  return row && { exportId: row.export_id, lines: row.lines }
}

/** A unique violation when another one has begun. */
export async function beginImport(trx: Executor, exportId: string, at: Date): Promise<void> {
  await trx
    .insertInto('import_progress')
    .values({ id: ID, export_id: exportId, lines: 0, started_at: at })
    .execute()
}

/** Notes how far the import is, in the transaction that writes the lines. @returns false when another one goes on there. */
export async function advanceImport(trx: Executor, from: ImportProgress, lines: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('import_progress')
    .set({ lines })
    .where('export_id', '=', from.exportId)
    .where('lines', '=', from.lines)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** @returns false when it was ended by another one. */
export async function endImport(trx: Executor, { exportId, lines }: ImportProgress): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('import_progress')
    .where('export_id', '=', exportId)
    .where('lines', '=', lines)
    .executeTakeFirst()
  return numDeletedRows === 1n
}

/** @throws {DatabaseOpenError} for a database that holds a part of an import. */
export async function requireWhole(db: Executor): Promise<void> {
  if (!(await findImport(db))) return
  throw new DatabaseOpenError(
    'the database holds a part of an import: finish it with sotto import and the same file, or begin with an empty database',
  )
}

/** How many connections others of Sotto have open here. None is seen on SQLite, whose file a server holds locked. */
export async function countOtherSessions(db: Executor): Promise<number> {
  if (!isPostgres(db)) return 0
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from pg_stat_activity
    where datname = current_database() and application_name in ('sotto', 'sotto hints') and pid <> pg_backend_pid()
  `.execute(db)
  return rows[0]?.count ?? 0
}
