import type { Kysely } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)

  // No foreign keys: adding one would lock the tables in use.
  await db.schema
    .createTable('conversation_keys')
    .addColumn('creator_id', type.uuid, (c) => c.notNull())
    .addColumn('client_conversation_id', type.key, (c) => c.notNull())
    .addColumn('conversation_id', type.uuid, (c) => c.notNull())
    .addColumn('content_hash', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('conversation_keys_pkey', ['creator_id', 'client_conversation_id'])
    .execute()
}
