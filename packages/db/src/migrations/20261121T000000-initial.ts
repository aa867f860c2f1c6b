import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { columnTypes, isPostgres } from '../dialect/column-types.ts'

// SQLite allows null in a primary key unless the column is declared `not null`.
export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)

  await db.schema
    .createTable('users')
    .addColumn('id', type.uuid, (c) => c.notNull().primaryKey())
    .addColumn('username', type.key, (c) => c.notNull().unique())
    .addColumn('display_name', 'text')
    .addColumn('display_name_key', type.key)
    .addColumn('first_name', 'text')
    .addColumn('last_name', 'text')
    .addColumn('email', 'text')
    .addColumn('email_key', type.key, (c) => c.unique())
    .addColumn('avatar_url', 'text')
    .addColumn('password_hash', 'text')
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('disabled_at', type.timestamp)
    .addColumn('erased_at', type.timestamp)
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('updated_at', type.timestamp, (c) => c.notNull())
    .execute()
  // For the search by display name, which reads no more than these columns of rows it skips.
  await db.schema
    .createIndex('users_display_name')
    .on('users')
    .columns(['display_name_key', 'username', 'id'])
    .execute()

  await db.schema
    .createTable('sessions')
    .addColumn('id', type.uuid, (c) => c.notNull().primaryKey())
    .addColumn('user_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('token_hash', 'text', (c) => c.notNull().unique())
    .addColumn('user_agent', 'text')
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('last_used_at', type.timestamp, (c) => c.notNull())
    .addColumn('expires_at', type.timestamp, (c) => c.notNull())
    .execute()
  // For a user's sessions, newest first.
  await db.schema
    .createIndex('sessions_user')
    .on('sessions')
    .columns(['user_id', 'created_at', 'id'])
    .execute()

  await db.schema
    .createTable('second_factors')
    .addColumn('user_id', type.uuid, (c) => c.notNull().primaryKey().references('users.id'))
    .addColumn('sealed_secret', 'text', (c) => c.notNull())
    .addColumn('last_step', type.bigint, (c) => c.notNull())
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('confirmed_at', type.timestamp)
    .execute()
  await db.schema
    .createTable('recovery_codes')
    .addColumn('user_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('code_hash', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('recovery_codes_pkey', ['user_id', 'code_hash'])
    .execute()

  await db.schema
    .createTable('password_resets')
    .addColumn('user_id', type.uuid, (c) => c.notNull().primaryKey().references('users.id'))
    .addColumn('token_hash', 'text', (c) => c.notNull().unique())
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('expires_at', type.timestamp, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('invitations')
    .addColumn('id', type.uuid, (c) => c.notNull().primaryKey())
    .addColumn('token_hash', 'text', (c) => c.notNull().unique())
    .addColumn('uses', 'integer', (c) => c.notNull())
    .addColumn('max_uses', 'integer', (c) => c.notNull())
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('expires_at', type.timestamp, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('invitations_time').on('invitations').columns(['created_at', 'id']).execute()

  await db.schema
    .createTable('service_keys')
    .addColumn('id', type.uuid, (c) => c.notNull().primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('key_hash', 'text', (c) => c.notNull().unique())
    .addColumn('scopes', 'text', (c) => c.notNull())
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('expires_at', type.timestamp)
    .addColumn('last_used_at', type.timestamp)
    .addColumn('revoked_at', type.timestamp)
    .execute()
  await db.schema.createIndex('service_keys_time').on('service_keys').columns(['created_at', 'id']).execute()

  await db.schema
    .createTable('conversations')
    .addColumn('id', type.uuid, (c) => c.notNull().primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('name', 'text')
    .addColumn('direct_key', type.key, (c) => c.unique())
    .addColumn('last_seq', type.bigint, (c) => c.notNull())
    .addColumn('participant_count', 'integer', (c) => c.notNull())
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('updated_at', type.timestamp, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('participants')
    .addColumn('conversation_id', type.uuid, (c) => c.notNull().references('conversations.id'))
    .addColumn('user_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('read_seq', type.bigint, (c) => c.notNull())
    .addColumn('delivered_seq', type.bigint, (c) => c.notNull())
    .addColumn('skipped_count', type.bigint, (c) => c.notNull())
    .addColumn('sent_count', type.bigint, (c) => c.notNull())
    .addColumn('joined_at', type.timestamp, (c) => c.notNull())
    .addColumn('after_seq', type.bigint, (c) => c.notNull())
    .addColumn('until_seq', type.bigint)
    .addColumn('first_event_id', type.bigint, (c) => c.notNull())
    .addColumn('last_event_id', type.bigint)
    .addColumn('left_at', type.timestamp)
    .addColumn('active_at', type.timestamp)
    // The id of the first event identifies a stay: no two stays of a user begin with the same event.
    .addPrimaryKeyConstraint('participants_pkey', ['conversation_id', 'user_id', 'first_event_id'])
    .execute()
  // For the inbox and the list of correspondents, latest first.
  await db.schema
    .createIndex('participants_inbox')
    .on('participants')
    .columns(['user_id', 'active_at', 'conversation_id'])
    .execute()

  // For all stays of a user, including stays in groups and ended ones.
  await db.schema
    .createIndex('participants_user')
    .on('participants')
    .columns(['user_id', 'conversation_id', 'first_event_id'])
    .execute()

  // A contact has one row per side, so that each user's list is a single range.
  await db.schema
    .createTable('contacts')
    .addColumn('user_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('contact_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('changed_at', type.timestamp, (c) => c.notNull())
    .addPrimaryKeyConstraint('contacts_pkey', ['user_id', 'contact_id'])
    .execute()
  await db.schema
    .createIndex('contacts_list')
    .on('contacts')
    .columns(['user_id', 'state', 'changed_at', 'contact_id'])
    .execute()
  // For finding the sender of a declined request, for which the recipient has no row.
  await db.schema.createIndex('contacts_contact').on('contacts').columns(['contact_id', 'user_id']).execute()

  await db.schema
    .createTable('blocks')
    .addColumn('user_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('blocked_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addPrimaryKeyConstraint('blocks_pkey', ['user_id', 'blocked_id'])
    .execute()
  await db.schema
    .createIndex('blocks_list')
    .on('blocks')
    .columns(['user_id', 'created_at', 'blocked_id'])
    .execute()
  // For finding who has blocked a user.
  await db.schema.createIndex('blocks_blocked').on('blocks').columns(['blocked_id', 'user_id']).execute()

  await db.schema
    .createTable('messages')
    .addColumn('id', type.uuid, (c) => c.notNull().unique())
    .addColumn('conversation_id', type.uuid, (c) => c.notNull().references('conversations.id'))
    .addColumn('seq', type.bigint, (c) => c.notNull())
    .addColumn('sender_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('recipient_id', type.uuid, (c) => c.references('users.id'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('text', 'text')
    .addColumn('media', type.json)
    .addColumn('client_message_id', 'text')
    .addColumn('content_hash', 'text')
    .addColumn('reactions', type.json)
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('edited_at', type.timestamp)
    .addColumn('deleted_at', type.timestamp)
    .addPrimaryKeyConstraint('messages_pkey', ['conversation_id', 'seq'])
    .execute()
  await db.schema
    .createIndex('messages_client_message_id')
    .unique()
    .on('messages')
    .columns(['conversation_id', 'sender_id', 'client_message_id'])
    .where('client_message_id', 'is not', null)
    .execute()
  // For lists across conversations: all messages, by sender and by recipient, ordered by (created_at, id).
  await db.schema
    .createIndex('messages_time')
    .on('messages')
    .columns(['created_at', 'id'])
    // Always true, and used only by the list of all messages. Without it, PostgreSQL would use this index for a user
    // who has sent a large share of all messages, and read through everyone else's.
    .where(sql<boolean>`seq > 0`)
    .execute()
  await db.schema
    .createIndex('messages_sender')
    .on('messages')
    .columns(['sender_id', 'created_at', 'id'])
    .execute()
  await db.schema
    .createIndex('messages_recipient')
    .on('messages')
    .columns(['recipient_id', 'created_at', 'id'])
    .where('recipient_id', 'is not', null)
    .execute()
  // For finding a position by time within a conversation, where created_at never decreases.
  await db.schema
    .createIndex('messages_conversation_time')
    .on('messages')
    .columns(['conversation_id', 'created_at', 'seq'])
    .execute()

  await db.schema
    .createTable('message_edits')
    .addColumn('message_id', type.uuid, (c) => c.notNull().references('messages.id'))
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('text', 'text')
    .addColumn('replaced_at', type.timestamp, (c) => c.notNull())
    .addPrimaryKeyConstraint('message_edits_pkey', ['message_id', 'version'])
    .execute()

  await db.schema
    .createTable('reactions')
    .addColumn('message_id', type.uuid, (c) => c.notNull().references('messages.id'))
    .addColumn('user_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('emoji', 'text', (c) => c.notNull())
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addPrimaryKeyConstraint('reactions_pkey', ['message_id', 'user_id', 'emoji'])
    .execute()
  // For all reactions of a user.
  await db.schema
    .createIndex('reactions_user')
    .on('reactions')
    .columns(['user_id', 'message_id', 'emoji'])
    .execute()

  await db.schema
    .createTable('receipts')
    .addColumn('conversation_id', type.uuid, (c) => c.notNull().references('conversations.id'))
    .addColumn('user_id', type.uuid, (c) => c.notNull().references('users.id'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('seq', type.bigint, (c) => c.notNull())
    .addColumn('receipt_at', type.timestamp, (c) => c.notNull())
    .addPrimaryKeyConstraint('receipts_pkey', ['conversation_id', 'user_id', 'kind', 'seq'])
    .execute()

  // No foreign keys: the log may refer to rows that have been deleted.
  const events = db.schema
    .createTable('events')
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('conversation_id', type.uuid)
    .addColumn('audience_user_id', type.uuid)
    .addColumn('user_id', type.uuid)
    .addColumn('message_id', type.uuid)
    .addColumn('seq', type.bigint)
    .addColumn('detail', 'text')
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
  if (isPostgres(db)) {
    // A serial does not follow commit order: a reader at 2 would miss a 1 that commits later. Ordering by transaction
    // id, and reading only below the oldest running transaction, does.
    await events
      .addColumn('xid', sql`xid8`, (c) => c.notNull().defaultTo(sql`pg_current_xact_id()`))
      .addColumn('id', 'bigserial', (c) => c.notNull())
      .addPrimaryKeyConstraint('events_pkey', ['xid', 'id'] as never)
      .execute()
    await sql`create index events_conversation on events (conversation_id, xid, id)`.execute(db)
    await sql`create index events_audience on events (audience_user_id, xid, id)
      where audience_user_id is not null`.execute(db)
  } else {
    // AUTOINCREMENT never reuses a number, even after the newest rows were deleted.
    await events.addColumn('id', 'integer', (c) => c.notNull().primaryKey().autoIncrement()).execute()
    await sql`create index events_conversation on events (conversation_id, id)`.execute(db)
    await sql`create index events_audience on events (audience_user_id, id)
      where audience_user_id is not null`.execute(db)
  }
  // For retention, which deletes the oldest events.
  await db.schema.createIndex('events_time').on('events').column('created_at').execute()

  // No foreign keys here either: rows may refer to something deleted.
  await db.schema
    .createTable('audit')
    .addColumn('id', type.uuid, (c) => c.notNull().primaryKey())
    .addColumn('actor_kind', 'text', (c) => c.notNull())
    .addColumn('actor_id', 'text')
    .addColumn('acting_for_id', type.uuid)
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('subject_id', 'text')
    .addColumn('address', 'text')
    .addColumn('request_id', 'text')
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('audit_time').on('audit').columns(['created_at', 'id']).execute()
  for (const column of ['actor_id', 'subject_id', 'action'] as const) {
    await db.schema.createIndex(`audit_${column}`).on('audit').columns([column, 'created_at', 'id']).execute()
  }
  await refuseChanges(db, 'audit')

  await db.schema
    .createTable('jobs')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('subject_id', 'text', (c) => c.notNull())
    .addColumn('progress', type.json)
    .addColumn('due_at', type.timestamp, (c) => c.notNull())
    .addColumn('failures', 'integer', (c) => c.notNull())
    .addColumn('last_error', 'text')
    .addColumn('created_at', type.timestamp, (c) => c.notNull())
    .addColumn('finished_at', type.timestamp)
    .addPrimaryKeyConstraint('jobs_pkey', ['kind', 'subject_id'])
    .execute()
  await db.schema
    .createIndex('jobs_due')
    .on('jobs')
    .column('due_at')
    .where(sql<boolean>`finished_at is null`)
    .execute()

  // The epoch of the log. An import starts a new one.
  await db.schema
    .createTable('event_log')
    .addColumn('epoch', 'text', (c) => c.notNull().primaryKey())
    .execute()
  await sql`insert into event_log (epoch) values (${randomUUID().slice(0, 8)})`.execute(db)
}

/** Makes a table append-only for all database users. */
async function refuseChanges(db: Kysely<unknown>, table: string): Promise<void> {
  const message = `rows of ${table} are never changed`
  if (isPostgres(db)) {
    const refusal = sql.id(`${table}_is_append_only`)
    await sql`create function ${refusal}() returns trigger language plpgsql
      as ${sql.lit(`begin raise exception '${message}'; end`)}`.execute(db)
    await sql`create trigger ${sql.id(`${table}_append_only`)} before update or delete or truncate on ${sql.table(table)}
      for each statement execute function ${refusal}()`.execute(db)
    return
  }
  for (const act of ['update', 'delete'] as const) {
    await sql`create trigger ${sql.id(`${table}_no_${act}`)} before ${sql.raw(act)} on ${sql.table(table)}
      begin select raise(abort, ${sql.lit(message)}); end`.execute(db)
  }
  // `insert or replace` deletes the conflicting row without firing the delete trigger.
  await sql`create trigger ${sql.id(`${table}_no_replace`)} before insert on ${sql.table(table)}
    when exists (select 1 from ${sql.table(table)} where id = new.id)
    begin select raise(abort, ${sql.lit(message)}); end`.execute(db)
}
