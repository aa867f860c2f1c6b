import type { Kysely } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)
  await db.schema
    .createTable('setup')
    // Always 1: there is only one first start. Servers that start at the same time lock this row.
    .addColumn('id', 'integer', (c) => c.notNull().primaryKey())
    .addColumn('token_hash', 'text')
    .addColumn('token_expires_at', type.timestamp)
    .addColumn('demo_started_at', type.timestamp)
    .addColumn('demo_filled_at', type.timestamp)
    .execute()
}
