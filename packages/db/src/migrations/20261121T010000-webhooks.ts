import { type Kysely, sql } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)

  await db.schema
    .createTable('leases')
    .addColumn('name', 'text', (c) => c.notNull().primaryKey())
    .addColumn('holder', 'text', (c) => c.notNull())
    .addColumn('expires_at', type.timestamp, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('webhooks')
    .addColumn('id', type.uuid, (c) => c.notNull().primaryKey())
    .addColumn('url', 'text', (c) => c.notNull())
    .addColumn('description', 'text')
    .addColumn('events', 'text')
    .addColumn('sealed_secret', 'text', (c) => c.notNull())
    .addColumn('previous_sealed_secret', 'text')
    .addColumn('previous_secret_ends_at', type.timestamp)
    .addColumn('disabled_at', type.timestamp)
    .addColumn('disabled_reason', 'text')
    .addColumn('log_epoch', 'text', (c) => c.notNull())
    .addColumn('place_xid', 'text', (c) => c.notNull())
    .addColumn('place_id', type.bigint, (c) => c.notNull())
    .addColumn('place_at', type.timestamp, (c) => c.notNull())
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('updated_at', type.timestamp, (c) => c.notNull())
    .addColumn('deleted_at', type.timestamp)
    .execute()

  // No foreign key except that of the webhook: as in the log, an event may refer to something deleted.
  await db.schema
    .createTable('webhook_deliveries')
    .addColumn('id', type.uuid, (c) => c.notNull().primaryKey())
    .addColumn('webhook_id', type.uuid, (c) => c.notNull().references('webhooks.id'))
    .addColumn('event_id', type.bigint)
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('conversation_id', type.uuid)
    .addColumn('audience_user_id', type.uuid)
    .addColumn('user_id', type.uuid)
    .addColumn('message_id', type.uuid)
    .addColumn('seq', type.bigint)
    .addColumn('detail', 'text')
    .addColumn('event_at', type.timestamp, (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('last_status', 'integer')
    .addColumn('last_error', 'text')
    .addColumn('due_at', type.timestamp)
    .addColumn('delivered_at', type.timestamp)
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .execute()
  // For finding the next deliveries to send.
  await db.schema
    .createIndex('webhook_deliveries_due')
    .on('webhook_deliveries')
    .columns(['webhook_id', 'due_at', 'id'])
    .where(sql<boolean>`due_at is not null`)
    .execute()
  // For lists, newest first, and for removing old deliveries.
  await db.schema
    .createIndex('webhook_deliveries_time')
    .on('webhook_deliveries')
    .columns(['webhook_id', 'created_at', 'id'])
    .execute()
  await db.schema
    .createIndex('webhook_deliveries_state')
    .on('webhook_deliveries')
    .columns(['webhook_id', 'state', 'created_at', 'id'])
    .execute()
}
