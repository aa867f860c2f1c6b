import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { withoutTimeouts } from '../dialect/postgres.ts'
import { insertRows, type Row } from '../queries/insert-rows.ts'
import type { Executor } from '../statement.ts'
import type { TransferTable } from './tables.ts'

/**
 * Inserts rows of an export, whose times are ISO 8601 strings. Takes no `EventTransaction` even for events, because no
 * server runs on a database during an import.
 */
export async function importRows(trx: Executor, table: TransferTable, rows: readonly Row[]): Promise<void> {
  const { name, columns, jsonColumns } = table
  const timeColumns = columns.filter((column) => column.endsWith('_at'))
  await insertRows(
    trx,
    { name, columns, jsonColumns },
    rows.map((row) => withTimes(row, timeColumns)),
  )
}

function withTimes(row: Row, timeColumns: readonly string[]): Row {
  const times = timeColumns.map((column) => {
    const value = row[column]
    return [column, typeof value === 'string' ? new Date(value) : value] as const
  })
  return { ...row, ...Object.fromEntries(times) }
}

/** Makes automatic numbering continue after this number. */
export async function setLastNumber(
  trx: Executor,
  table: string,
  column: string,
  last: number,
): Promise<void> {
  if (isPostgres(trx)) {
    const sequence = sql`pg_get_serial_sequence(${table}, ${column})::regclass`
    await sql`select setval(${sequence}, ${Math.max(last, 1)}, ${last > 0})`.execute(trx)
    return
  }
  await sql`delete from sqlite_sequence where name = ${table}`.execute(trx)
  await sql`insert into sqlite_sequence (name, seq) values (${table}, ${last})`.execute(trx)
}

/** The name of the first table that has rows. Undefined if all are empty. */
export async function findFilledTable(
  trx: Executor,
  tables: readonly TransferTable[],
): Promise<string | undefined> {
  for (const { name } of tables) {
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(trx)
    if (rows.length > 0) return name
  }
  return undefined
}

/** Updates PostgreSQL's planner statistics now instead of within minutes. */
export async function refreshStatistics(db: Executor): Promise<void> {
  if (isPostgres(db)) await withoutTimeouts(db, (on) => sql`analyze`.execute(on))
}
