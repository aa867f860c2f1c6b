import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { ConversationTable, ParticipantTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { isUuid, type UserRow, userColumns } from './users.ts'

export type ConversationRow = ConversationTable

/** The key of the direct conversation of two users, which exists before the conversation does. */
export function directKey(a: string, b: string): string {
  return a < b ? `${a}:${b}` : `${b}:${a}`
}

/** What writers of one conversation take turns on. */
export function lockKeyOf(conversation: Pick<ConversationRow, 'id' | 'direct_key'>): string {
  return conversation.direct_key ?? conversation.id
}

const advisoryLock = statement((db, p: { key: string }) =>
  db.selectNoFrom(sql`pg_advisory_xact_lock(hashtextextended(${p.key}, 0))`.as('locked')),
)

/**
 * Makes the writers of one conversation take turns, until the transaction ends.
 *
 * Call it first in the transaction, before anything that writes: PostgreSQL hands out the transaction's id at
 * the first write, and the event log tells a conversation's events in the order of these ids. SQLite has one
 * writer at a time anyway.
 */
export async function lockConversation(trx: Executor, key: string): Promise<void> {
  if (isPostgres(trx)) await advisoryLock(trx, { key })
}

// By name: after a newer server has added a column, PostgreSQL refuses a statement that was prepared with `*`.
export const conversationColumns = [
  'conversations.id',
  'conversations.kind',
  'conversations.name',
  'conversations.direct_key',
  'conversations.last_seq',
  'conversations.created_at',
  'conversations.updated_at',
] as const

const byId = statement((db, p: { id: string }) =>
  db.selectFrom('conversations').select(conversationColumns).where('id', '=', p.id),
)
const byDirectKey = statement((db, p: { key: string }) =>
  db.selectFrom('conversations').select(conversationColumns).where('direct_key', '=', p.key),
)

export async function findConversation(db: Executor, id: string): Promise<ConversationRow | undefined> {
  if (!isUuid(id)) return undefined
  const [row] = await byId(db, { id })
  return row
}

export async function findDirectConversation(
  db: Executor,
  key: string,
): Promise<ConversationRow | undefined> {
  const [row] = await byDirectKey(db, { key })
  return row
}

export interface NewDirectConversation {
  id: string
  directKey: string
  /** Two users, or one who writes notes to self. */
  userIds: readonly string[]
  at: Date
}

export async function insertDirectConversation(
  trx: Executor,
  conversation: NewDirectConversation,
): Promise<void> {
  const { id, at } = conversation
  await trx
    .insertInto('conversations')
    .values({
      id,
      kind: 'direct',
      name: null,
      direct_key: conversation.directKey,
      last_seq: 0,
      created_at: at,
      updated_at: at,
    })
    .execute()
  await trx
    .insertInto('participants')
    .values(
      conversation.userIds.map((userId) => ({
        conversation_id: id,
        user_id: userId,
        role: 'member' as const,
        read_seq: 0,
        delivered_seq: 0,
        unread_count: 0,
        sent_count: 0,
        joined_at: at,
        active_at: at,
      })),
    )
    .execute()
}

export type ParticipantRow = Pick<
  ParticipantTable,
  'conversation_id' | 'user_id' | 'read_seq' | 'delivered_seq' | 'unread_count'
>

const participantColumns = [
  'participants.conversation_id',
  'participants.user_id',
  'participants.read_seq',
  'participants.delivered_seq',
  'participants.unread_count',
] as const

const participant = statement((db, p: { conversationId: string; userId: string }) =>
  db
    .selectFrom('participants')
    .select(participantColumns)
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId),
)

export async function findParticipant(
  db: Executor,
  conversationId: string,
  userId: string,
): Promise<ParticipantRow | undefined> {
  if (!isUuid(conversationId)) return undefined
  const [row] = await participant(db, { conversationId, userId })
  return row
}

const participantsWithUsers = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('participants')
    .innerJoin('users', 'users.id', 'participants.user_id')
    .select(userColumns)
    .select(['participants.conversation_id', 'participants.role'])
    .where((eb) => inList(db, eb, 'participants.conversation_id', p.ids))
    .orderBy('participants.conversation_id')
    .orderBy('users.username'),
)

export type MemberRow = UserRow & Pick<ParticipantTable, 'conversation_id' | 'role'>

/** The participants of these conversations, by username within each. */
export async function findMembers(db: Executor, conversationIds: readonly string[]): Promise<MemberRow[]> {
  return conversationIds.length === 0 ? [] : participantsWithUsers(db, { ids: idList(db, conversationIds) })
}

export type InboxRow = ConversationRow & Pick<ParticipantRow, 'read_seq' | 'unread_count'>

const inboxPage = statement((db, p: { userId: string; beforeAt: Date; beforeId: string; limit: number }) =>
  db
    .selectFrom('participants')
    .innerJoin('conversations', 'conversations.id', 'participants.conversation_id')
    .select(conversationColumns)
    .select(['participants.read_seq', 'participants.unread_count'])
    .where('participants.user_id', '=', p.userId)
    .where((eb) =>
      eb(
        eb.refTuple('participants.active_at', 'participants.conversation_id'),
        '<',
        eb.tuple(p.beforeAt, p.beforeId),
      ),
    )
    .orderBy('participants.active_at', 'desc')
    .orderBy('participants.conversation_id', 'desc')
    .limit(p.limit),
)

/** A place in a list that is ordered by a time, newest first, and then by an id. */
export interface TimePosition {
  at: Date
  id: string
}

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
/** Before the first item of a list that is ordered newest first. The last time that contracts allow. */
export const newest: TimePosition = { at: new Date('9999-12-31T23:59:59.999Z'), id: LAST_ID }

/** A user's conversations, latest activity first. */
export async function listInbox(
  db: Executor,
  userId: string,
  before: TimePosition,
  limit: number,
): Promise<InboxRow[]> {
  return inboxPage(db, { userId, beforeAt: before.at, beforeId: before.id, limit })
}

const correspondentPage = statement(
  (db, p: { userId: string; beforeAt: Date; beforeId: string; limit: number }) =>
    db
      .selectFrom('participants as mine')
      .innerJoin('participants as theirs', (join) =>
        join
          .onRef('theirs.conversation_id', '=', 'mine.conversation_id')
          .onRef('theirs.user_id', '<>', 'mine.user_id'),
      )
      .innerJoin('users', 'users.id', 'theirs.user_id')
      .select(userColumns)
      .select([
        'mine.conversation_id',
        'mine.active_at',
        'mine.sent_count',
        'theirs.sent_count as received_count',
      ])
      .where('mine.user_id', '=', p.userId)
      .where((eb) =>
        eb(eb.refTuple('mine.active_at', 'mine.conversation_id'), '<', eb.tuple(p.beforeAt, p.beforeId)),
      )
      .orderBy('mine.active_at', 'desc')
      .orderBy('mine.conversation_id', 'desc')
      .limit(p.limit),
)

export type CorrespondentRow = UserRow & {
  conversation_id: string
  active_at: Date | null
  sent_count: number
  received_count: number
}

/**
 * The others of a user's direct conversations, latest message first. Every direct conversation has a message:
 * the first one makes it.
 */
export async function listCorrespondents(
  db: Executor,
  userId: string,
  before: TimePosition,
  limit: number,
): Promise<CorrespondentRow[]> {
  return correspondentPage(db, { userId, beforeAt: before.at, beforeId: before.id, limit })
}

const nextSeq = statement((db, p: { id: string; at: Date }) =>
  db
    .updateTable('conversations')
    .set((eb) => ({ last_seq: eb('last_seq', '+', 1), updated_at: p.at }))
    .where('id', '=', p.id)
    .returning('last_seq'),
)

/** Takes the next number of the conversation; a rollback gives it back. */
export async function takeSeq(trx: Executor, conversationId: string, at: Date): Promise<number> {
  const [row] = await nextSeq(trx, { id: conversationId, at })
  if (!row) throw new Error(`conversation ${conversationId} is gone`)
  return row.last_seq
}

const sentInDirect = statement(
  (db, p: { conversationId: string; senderId: string; seq: number; previousSeq: number; at: Date }) =>
    db
      .updateTable('participants')
      .set((eb) => ({
        active_at: p.at,
        sent_count: eb('sent_count', '+', eb.case().when('user_id', '=', p.senderId).then(1).else(0).end()),
        unread_count: eb(
          'unread_count',
          '+',
          eb.case().when('user_id', '=', p.senderId).then(0).else(1).end(),
        ),
        read_seq: eb
          .case()
          .when(eb.and([eb('user_id', '=', p.senderId), eb('read_seq', '=', p.previousSeq)]))
          .then(sql<number>`cast(${p.seq} as bigint)`)
          .else(eb.ref('read_seq'))
          .end(),
      }))
      .where('conversation_id', '=', p.conversationId),
)

/** Counts a message for both participants. The sender's read mark follows when it stood right before it. */
export async function noteSent(
  trx: Executor,
  message: { conversationId: string; senderId: string; seq: number; at: Date },
): Promise<void> {
  await sentInDirect(trx, { ...message, previousSeq: message.seq - 1 })
}

const forgetUnread = statement((db, p: { conversationId: string; senderId: string; seq: number }) =>
  db
    .updateTable('participants')
    .set((eb) => ({ unread_count: eb('unread_count', '-', 1) }))
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '<>', p.senderId)
    .where('read_seq', '<', p.seq),
)

/** A deleted message is unread no more, for whoever had not read it. */
export async function noteDeleted(
  trx: Executor,
  message: { conversationId: string; senderId: string; seq: number },
): Promise<void> {
  await forgetUnread(trx, message)
}

const byIds = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('conversations')
    .selectAll()
    .where((eb) => inList(db, eb, 'conversations.id', p.ids)),
)

export async function findConversations(db: Executor, ids: readonly string[]): Promise<ConversationRow[]> {
  return ids.length === 0 ? [] : byIds(db, { ids: idList(db, ids) })
}
