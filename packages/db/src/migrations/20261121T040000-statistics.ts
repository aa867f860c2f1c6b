import { type Kysely, sql } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)

  await db.schema
    .createTable('statistics_days')
    .addColumn('day_at', type.timestamp, (c) => c.notNull().primaryKey())
    .addColumn('message_count', type.bigint, (c) => c.notNull())
    .addColumn('active_count', type.bigint, (c) => c.notNull())
    .execute()

  // No foreign key: an active user may be deleted.
  await db.schema
    .createTable('active_users')
    .addColumn('day_at', type.timestamp, (c) => c.notNull())
    .addColumn('user_id', type.uuid, (c) => c.notNull())
    .addPrimaryKeyConstraint('active_users_pkey', ['day_at', 'user_id'])
    .execute()

  await db.schema
    .createTable('statistics_place')
    .addColumn('log_epoch', 'text', (c) => c.notNull().primaryKey())
    .addColumn('place_xid', 'text', (c) => c.notNull())
    .addColumn('place_id', type.bigint, (c) => c.notNull())
    .execute()
  // Starts at the beginning of the log, so that events before this release count as well.
  await sql`insert into statistics_place (log_epoch, place_xid, place_id) select epoch, '0', 0 from event_log`.execute(
    db,
  )
}
