import type { Kysely } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)

  // Null for edits by servers of the previous release.
  await db.schema.alterTable('message_edits').addColumn('event_id', type.bigint).execute()

  // No foreign key: adding one would lock the conversations.
  await db.schema
    .createTable('conversation_names')
    .addColumn('conversation_id', type.uuid, (c) => c.notNull())
    .addColumn('event_id', type.bigint, (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('replaced_at', type.timestamp, (c) => c.notNull())
    .addPrimaryKeyConstraint('conversation_names_pkey', ['conversation_id', 'event_id'])
    .execute()
}
