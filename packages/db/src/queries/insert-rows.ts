import { CompiledQuery } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { Executor } from '../statement.ts'

export type Row = Readonly<Record<string, unknown>>

export interface InsertTarget {
  name: string
  /** Those that every row has; others take the database's default. */
  columns: readonly string[]
  /** The columns of the table that hold JSON, as text. */
  jsonColumns: readonly string[]
  /** What tells that a row exists, where it is to be replaced then; otherwise it is a unique violation. */
  replacedBy?: readonly string[] | undefined
}

/** Inserts many rows of one table, in a transaction that the caller opens. */
export async function insertRows(trx: Executor, target: InsertTarget, rows: readonly Row[]): Promise<void> {
  await (isPostgres(trx) ? insertAsJson : insertAsValues)(trx, target, rows)
}

/** One parameter for all rows: PostgreSQL's messages hold 65,535 at most, and it plans each number of them anew. */
async function insertAsJson(trx: Executor, target: InsertTarget, rows: readonly Row[]): Promise<void> {
  const { name, columns, jsonColumns } = target
  // A text that is put into a JSON column would be taken for a JSON string.
  const values = columns.map((column) =>
    jsonColumns.includes(column) ? `(${column} #>> '{}')::json` : column,
  )
  await trx.executeQuery(
    CompiledQuery.raw(
      `insert into ${name} (${columns.join(', ')}) select ${values.join(', ')}
        from json_populate_recordset(null::${name}, $1) ${onConflict(target)}`,
      [JSON.stringify(rows)],
    ),
  )
}

/** In KiB when negative. A row goes into half a dozen indexes, whose pages would be written and read again and again. */
const LARGE_CACHE = 'pragma cache_size = -262144'

/**
 * One statement a row: one for many would have to be undoable by itself within the transaction, and what SQLite
 * keeps for that grows with the transaction.
 */
async function insertAsValues(trx: Executor, target: InsertTarget, rows: readonly Row[]): Promise<void> {
  const { name, columns } = target
  const values = columns.map(() => '?').join(', ')
  const text = `insert into ${name} (${columns.join(', ')}) values (${values}) ${onConflict(target)}`
  await trx.getExecutor().provideConnection(async (connection) => {
    await connection.executeQuery(CompiledQuery.raw(LARGE_CACHE))
    for (const row of rows) {
      const parameters = columns.map((column) => row[column])
      await connection.executeQuery(CompiledQuery.raw(text, parameters))
    }
  })
}

function onConflict({ columns, replacedBy }: InsertTarget): string {
  if (!replacedBy) return ''
  const others = columns.filter((column) => !replacedBy.includes(column))
  return `on conflict (${replacedBy.join(', ')}) do update set ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`
}
