import { type Kysely, type RawBuilder, sql } from 'kysely'
import { isPostgres } from './column-types.ts'

/**
 * Creates an index without blocking writes to the table, in a migration with `inTransaction = false`. Drops the
 * incomplete index of an interrupted attempt first.
 */
export async function createIndexConcurrently(
  db: Kysely<unknown>,
  name: string,
  {
    on,
    columns,
    isUnique = false,
    where,
  }: { on: string; columns: readonly string[]; isUnique?: boolean; where?: RawBuilder<unknown> },
): Promise<void> {
  const list = sql.join(columns.map((column) => sql.ref(column)))
  const create = sql.raw(isUnique ? 'create unique index' : 'create index')
  const only = where ? sql` where ${where}` : sql``
  if (!isPostgres(db)) {
    await sql`${create} ${sql.id(name)} on ${sql.table(on)} (${list})${only}`.execute(db)
    return
  }
  await sql`drop index concurrently if exists ${sql.id(name)}`.execute(db)
  await sql`${create} concurrently ${sql.id(name)} on ${sql.table(on)} (${list})${only}`.execute(db)
}
