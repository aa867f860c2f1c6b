import { sql } from 'drizzle-orm'
import { bigint, index, pgTable, primaryKey, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'

// The tables of the hand-written stack.

export const users = pgTable('users', {
  id: uuid().primaryKey().defaultRandom(),
  username: text().notNull().unique(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})

export const conversations = pgTable(
  'conversations',
  {
    id: uuid().primaryKey().defaultRandom(),
    /** Both users' ids in sorted order. */
    directKey: text('direct_key').notNull(),
    lastSeq: bigint('last_seq', { mode: 'number' }).notNull().default(0),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [uniqueIndex('conversations_direct_key').on(table.directKey)],
)

export const participants = pgTable(
  'participants',
  {
    conversationId: uuid('conversation_id')
      .notNull()
      .references(() => conversations.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    unreadCount: bigint('unread_count', { mode: 'number' }).notNull().default(0),
    readSeq: bigint('read_seq', { mode: 'number' }).notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.userId] }),
    index('participants_user').on(table.userId),
  ],
)

export const messages = pgTable(
  'messages',
  {
    id: uuid().notNull().unique().defaultRandom(),
    conversationId: uuid('conversation_id')
      .notNull()
      .references(() => conversations.id),
    seq: bigint({ mode: 'number' }).notNull(),
    senderId: uuid('sender_id')
      .notNull()
      .references(() => users.id),
    text: text().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.conversationId, table.seq] })],
)

/** The same tables. A real project would generate this with drizzle-kit. */
export const createTables = sql`
  create table users (
    id uuid primary key default gen_random_uuid(),
    username text not null unique,
    created_at timestamptz not null default now()
  );
  create table conversations (
    id uuid primary key default gen_random_uuid(),
    direct_key text not null,
    last_seq bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  );
  create unique index conversations_direct_key on conversations (direct_key);
  create table participants (
    conversation_id uuid not null references conversations (id),
    user_id uuid not null references users (id),
    unread_count bigint not null default 0,
    read_seq bigint not null default 0,
    primary key (conversation_id, user_id)
  );
  create index participants_user on participants (user_id);
  create table messages (
    id uuid not null unique default gen_random_uuid(),
    conversation_id uuid not null references conversations (id),
    seq bigint not null,
    sender_id uuid not null references users (id),
    text text not null,
    created_at timestamptz not null default now(),
    primary key (conversation_id, seq)
  );
`
