import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { streamRows } from '../dialect/snapshot.ts'
import type { Row } from '../queries/insert-rows.ts'
import type { Executor } from '../statement.ts'
import type { TransferTable } from './tables.ts'

/** The number of rows in memory at a time. A message can be a hundred kilobytes. */
const CHUNK_ROWS = 500

/** All rows of a table in key order, which is the same on both databases. */
export function readRows(snapshot: Executor, table: TransferTable): AsyncGenerator<Row[]> {
  const columns = sql.join(table.columns.map((column) => sql.ref(column)))
  const order = sql.join(table.key.map((column) => keyOrder(snapshot, table, column)))
  const query = sql<Row>`select ${columns} from ${sql.table(table.name)} order by ${order}`
  return streamRows(snapshot, query.compile(snapshot), CHUNK_ROWS)
}

/** Orders text by code point, as SQLite does. PostgreSQL's default depends on the collation of the database. */
function keyOrder(db: Executor, { textColumns }: TransferTable, column: string) {
  return isPostgres(db) && textColumns.includes(column)
    ? sql`${sql.ref(column)} collate "C"`
    : sql.ref(column)
}

export async function countRows(snapshot: Executor, { name }: TransferTable): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(name)}`.execute(
    snapshot,
  )
  return rows[0]?.count ?? 0
}

/** The last number the database assigned automatically. 0 if none. */
export async function readLastNumber(snapshot: Executor, table: string, column: string): Promise<number> {
  if (!isPostgres(snapshot)) {
    const { rows } = await sql<{
      seq: number
    }>`select seq from sqlite_sequence where name = ${table}`.execute(snapshot)
    return rows[0]?.seq ?? 0
  }
  const { rows } = await sql<{ last: number | null }>`
    select pg_sequence_last_value(pg_get_serial_sequence(${table}, ${column})::regclass) as last
  `.execute(snapshot)
  return rows[0]?.last ?? 0
}
