import { type Kysely, sql } from 'kysely'
import { isPostgres } from './column-types.ts'

/**
 * Makes an index on a table that is in use, without keeping anybody from writing to it, in a migration with
 * `inTransaction = false`. What an earlier attempt left half made is dropped first.
 */
export async function createIndexConcurrently(
  db: Kysely<unknown>,
  name: string,
  { on, columns }: { on: string; columns: readonly string[] },
): Promise<void> {
  const list = sql.join(columns.map((column) => sql.ref(column)))
  if (!isPostgres(db)) {
    await sql`create index ${sql.id(name)} on ${sql.table(on)} (${list})`.execute(db)
    return
  }
  await sql`drop index concurrently if exists ${sql.id(name)}`.execute(db)
  await sql`create index concurrently ${sql.id(name)} on ${sql.table(on)} (${list})`.execute(db)
}
