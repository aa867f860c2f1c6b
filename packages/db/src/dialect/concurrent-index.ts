import { type Kysely, type RawBuilder, sql } from 'kysely'
import { isPostgres } from './column-types.ts'

/**
 * Creates an index without blocking writes to the table, in a migration with `inTransaction = false`. Drops the
 * incomplete index of an interrupted attempt first.
 */
export async function createIndexConcurrently(
  db: Kysely<unknown>,
  name: string,
  { on, columns, where }: { on: string; columns: readonly string[]; where?: RawBuilder<unknown> },
): Promise<void> {
  const list = sql.join(columns.map((column) => sql.ref(column)))
  const rows = where ? sql` where ${where}` : sql``
  if (!isPostgres(db)) {
    await sql`create index ${sql.id(name)} on ${sql.table(on)} (${list})${rows}`.execute(db)
    return
  }
  await sql`drop index concurrently if exists ${sql.id(name)}`.execute(db)
  await sql`create index concurrently ${sql.id(name)} on ${sql.table(on)} (${list})${rows}`.execute(db)
}
