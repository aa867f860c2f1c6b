import { CompiledQuery } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { Executor } from '../statement.ts'

export type Row = Readonly<Record<string, unknown>>

export interface InsertTarget {
  name: string
  /** The columns that every row has. The others get their defaults. */
  columns: readonly string[]
  /** The columns that hold JSON, as strings. */
  jsonColumns: readonly string[]
  /** The key by which an existing row is replaced. Without it, an existing row is a unique violation. */
  replacedBy?: readonly string[] | undefined
}

/** Inserts many rows into one table, in the caller's transaction. */
export async function insertRows(trx: Executor, target: InsertTarget, rows: readonly Row[]): Promise<void> {
  await (isPostgres(trx) ? insertAsJson : insertAsValues)(trx, target, rows)
}

/**
 * Passes all rows as one parameter: PostgreSQL allows at most 65,535 parameters, and plans each number of rows
 * separately.
 */
async function insertAsJson(trx: Executor, target: InsertTarget, rows: readonly Row[]): Promise<void> {
  const { name, columns, jsonColumns } = target
  // Without this, a string would be encoded as JSON once more.
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

/** Negative means KiB. Each row changes about six indexes, and their pages should stay in memory. */
const LARGE_CACHE = 'pragma cache_size = -262144'

/**
 * Runs one statement per row. SQLite must be able to undo a statement with many rows within the transaction, and the
 * data it keeps for that grows with the transaction.
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
