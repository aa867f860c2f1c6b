import type { Kysely } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)
  // Not a column of users: it is written far more often than they are.
  await db.schema
    .createTable('last_seen')
    .addColumn('user_id', type.uuid, (c) => c.notNull().primaryKey().references('users.id'))
    .addColumn('seen_at', type.timestamp, (c) => c.notNull())
    .execute()
}
