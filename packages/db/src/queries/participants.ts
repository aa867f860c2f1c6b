import type { ExpressionBuilder } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { givenRows, type IdList, idList, inList } from '../dialect/expressions.ts'
import type { ParticipantTable, Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { isUuid, type UserRow, userColumns } from './users.ts'

export type ParticipantRole = ParticipantTable['role']

export type ParticipantRow = Pick<
  ParticipantTable,
  | 'conversation_id'
  | 'user_id'
  | 'role'
  | 'read_seq'
  | 'delivered_seq'
  | 'skipped_count'
  | 'after_seq'
  | 'first_event_id'
>

const participantColumns = [
  'participants.conversation_id',
  'participants.user_id',
  'participants.role',
  'participants.read_seq',
  'participants.delivered_seq',
  'participants.skipped_count',
  'participants.after_seq',
  'participants.first_event_id',
] as const

interface ParticipantKey {
  conversationId: string
  userId: string
}

const participant = statement((db, p: ParticipantKey) =>
  db
    .selectFrom('participants')
    .select(participantColumns)
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId)
    .where('left_at', 'is', null),
)

/** A current participant of a conversation. */
export async function find(
  db: Executor,
  conversationId: string,
  userId: string,
): Promise<ParticipantRow | undefined> {
  if (!isUuid(conversationId)) return undefined
  const [row] = await participant(db, { conversationId, userId })
  return row
}

/** The messages of a conversation that a user may read: after < seq <= until. */
export interface Span {
  after: number
  /** Undefined while the stay lasts. */
  until: number | undefined
}

const stays = statement((db, p: ParticipantKey) =>
  db
    .selectFrom('participants')
    .select(['after_seq', 'until_seq'])
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId)
    .orderBy('first_event_id'),
)

/** The spans of a conversation that a user may read, oldest first: one per stay. Empty if the user was never in it. */
export async function findSpans(db: Executor, conversationId: string, userId: string): Promise<Span[]> {
  if (!isUuid(conversationId)) return []
  const rows = await stays(db, { conversationId, userId })
  return rows.map((row) => ({ after: row.after_seq, until: row.until_seq ?? undefined }))
}

export function isWithin(spans: readonly Span[], seq: number): boolean {
  return spans.some((span) => seq > span.after && (span.until === undefined || seq <= span.until))
}

const lastStay = statement((db, p: ParticipantKey) =>
  db
    .selectFrom('participants')
    .innerJoin('conversations', 'conversations.id', 'participants.conversation_id')
    .select(['participants.after_seq', 'participants.until_seq', 'participants.read_seq'])
    .select((eb) => eb.fn.coalesce(nameAtEnd(eb), 'conversations.name').as('name'))
    .where('participants.conversation_id', '=', p.conversationId)
    .where('participants.user_id', '=', p.userId)
    .orderBy('participants.first_event_id', 'desc')
    .limit(1),
)

/** A user's last stay in a conversation, with the name of the group when it ended. */
export async function findLastStay(
  db: Executor,
  conversationId: string,
  userId: string,
): Promise<
  (Pick<ParticipantTable, 'after_seq' | 'until_seq' | 'read_seq'> & { name: string | null }) | undefined
> {
  const [row] = await lastStay(db, { conversationId, userId })
  return row
}

/** The first name of a group that was replaced after a stay; null if the group still has the name of that time. */
export function nameAtEnd(eb: ExpressionBuilder<Schema, 'participants'>) {
  return eb
    .selectFrom('conversation_names as names')
    .select('names.name')
    .whereRef('names.conversation_id', '=', 'participants.conversation_id')
    .whereRef('names.event_id', '>', 'participants.last_event_id')
    .orderBy('names.event_id')
    .limit(1)
}

export interface NewParticipant {
  userId: string
  role: ParticipantRole
}

interface Beginning {
  conversationId: string
  at: Date
  /** The new participants cannot read messages up to this seq. */
  afterSeq: number
  /** The event that adds them, which is the first they receive. */
  firstEventId: number
  /** Set in direct conversations. */
  activeAt: Date | null
  /** The user who adds them to a group. */
  addedBy: string | null
}

/** Starts a stay for each of these users, none of whom may be in the conversation. */
export async function insertMany(
  trx: Executor,
  participants: readonly NewParticipant[],
  { conversationId, at, afterSeq, firstEventId, activeAt, addedBy }: Beginning,
): Promise<void> {
  await trx
    .insertInto('participants')
    .values(
      participants.map(({ userId, role }) => ({
        conversation_id: conversationId,
        user_id: userId,
        role,
        read_seq: afterSeq,
        delivered_seq: afterSeq,
        skipped_count: 0,
        sent_count: 0,
        joined_at: at,
        after_seq: afterSeq,
        until_seq: null,
        first_event_id: firstEventId,
        last_event_id: null,
        left_at: null,
        active_at: activeAt,
        added_by: addedBy,
      })),
    )
    .execute()
}

/** Ends a stay. The user no longer receives later messages or events. */
export async function endStay(
  trx: Executor,
  { conversationId, userId }: ParticipantKey,
  end: { untilSeq: number; lastEventId: number; at: Date },
): Promise<void> {
  await trx
    .updateTable('participants')
    .set({ until_seq: end.untilSeq, last_event_id: end.lastEventId, left_at: end.at })
    .where('conversation_id', '=', conversationId)
    .where('user_id', '=', userId)
    .where('left_at', 'is', null)
    .execute()
}

/** Adjusts the number of participants. Requires the conversation lock. */
export async function changeCount(trx: Executor, conversationId: string, by: number): Promise<void> {
  await trx
    .updateTable('conversations')
    .set((eb) => ({ participant_count: eb('participant_count', '+', by) }))
    .where('id', '=', conversationId)
    .execute()
}

export async function updateRole(
  trx: Executor,
  { conversationId, userId }: ParticipantKey,
  role: ParticipantRole,
): Promise<void> {
  await trx
    .updateTable('participants')
    .set({ role })
    .where('conversation_id', '=', conversationId)
    .where('user_id', '=', userId)
    .where('left_at', 'is', null)
    .execute()
}

/** The id of a group's owner. */
export async function findOwner(trx: Executor, conversationId: string): Promise<string | undefined> {
  const row = await trx
    .selectFrom('participants')
    .select('user_id')
    .where('conversation_id', '=', conversationId)
    .where('left_at', 'is', null)
    .where('role', '=', 'owner')
    .executeTakeFirst()
  return row?.user_id
}

/** The next owner of a group if its owner leaves: the longest-standing admin, or else the longest-standing member. */
export async function findSuccessor(
  trx: Executor,
  conversationId: string,
): Promise<{ user_id: string; role: ParticipantRole } | undefined> {
  return trx
    .selectFrom('participants')
    .select(['user_id', 'role'])
    .where('conversation_id', '=', conversationId)
    .where('left_at', 'is', null)
    .where('role', '<>', 'owner')
    .orderBy((eb) => eb.case().when('role', '=', 'admin').then(0).else(1).end())
    .orderBy('first_event_id')
    .orderBy('user_id')
    .limit(1)
    .executeTakeFirst()
}

const groupsAddedBy = statement((db, p: { userId: string; addedBy: string }) =>
  db
    .selectFrom('participants')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', p.userId)
    .where('added_by', '=', p.addedBy)
    .where('active_at', 'is', null)
    .where('left_at', 'is', null),
)
const groupsAddedByKeys = statement((db, p: { userId: string }) =>
  db
    .selectFrom('participants')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', p.userId)
    .where('added_by', 'is', null)
    .where('active_at', 'is', null)
    .where('left_at', 'is', null),
)

/**
 * The number of groups that a user is in because `addedBy` added them, which can be the user. Null counts those of
 * service keys.
 */
export async function countGroups(db: Executor, userId: string, addedBy: string | null): Promise<number> {
  const [row] = await (addedBy === null
    ? groupsAddedByKeys(db, { userId })
    : groupsAddedBy(db, { userId, addedBy }))
  return row?.count ?? 0
}

const staysInGroup = statement((db, p: ParticipantKey) =>
  db
    .selectFrom('participants')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId),
)

/** How often a user has been in a conversation. */
export async function countStays(db: Executor, conversationId: string, userId: string): Promise<number> {
  const [row] = await staysInGroup(db, { conversationId, userId })
  return row?.count ?? 0
}

const withUsers = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('participants')
    .innerJoin('users', 'users.id', 'participants.user_id')
    .select(userColumns)
    .select(['participants.conversation_id', 'participants.role'])
    .where((eb) => inList(db, eb, 'participants.conversation_id', p.ids))
    .where('participants.left_at', 'is', null)
    .orderBy('participants.conversation_id')
    .orderBy('users.username'),
)

const onePage = statement((db, p: { conversationId: string; afterUserId: string; limit: number }) =>
  db
    .selectFrom('participants')
    .innerJoin('users', 'users.id', 'participants.user_id')
    .select(userColumns)
    .select([
      'participants.conversation_id',
      'participants.role',
      'participants.read_seq',
      'participants.delivered_seq',
    ])
    .where('participants.conversation_id', '=', p.conversationId)
    .where('participants.user_id', '>', p.afterUserId)
    // Redundant, but when PostgreSQL merges the two tables it would otherwise read all users from the first one on.
    .where('users.id', '>', p.afterUserId)
    .where('participants.left_at', 'is', null)
    .orderBy('participants.user_id')
    .limit(p.limit),
)

export type MemberRow = UserRow & Pick<ParticipantTable, 'conversation_id' | 'role'>

export type MemberWithMarksRow = MemberRow & Pick<ParticipantTable, 'read_seq' | 'delivered_seq'>

/** All participants of these conversations, by username within each. For conversations with few participants. */
export async function findMembers(db: Executor, conversationIds: readonly string[]): Promise<MemberRow[]> {
  return conversationIds.length === 0 ? [] : withUsers(db, { ids: idList(db, conversationIds) })
}

/** Sorts before every user id. */
export const FIRST_USER_ID = '00000000-0000-0000-0000-000000000000'

/** The participants of a conversation by id, with their read and delivered marks. */
export async function listMembers(
  db: Executor,
  conversationId: string,
  afterUserId: string,
  limit: number,
): Promise<MemberWithMarksRow[]> {
  return onePage(db, { conversationId, afterUserId, limit })
}

const firstOfEach = statement((db, p: { ids: string; limit: number }) =>
  db
    .selectFrom(givenRows(db, p.ids, { conversation_id: 'uuid' }))
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('participants')
          .select(['conversation_id', 'user_id', 'role'])
          .whereRef('participants.conversation_id', '=', 'given.conversation_id')
          .where('participants.left_at', 'is', null)
          .orderBy('participants.user_id')
          .limit(p.limit)
          .as('first'),
      (join) => join.onTrue(),
    )
    .innerJoin('users', 'users.id', 'first.user_id')
    .select(userColumns)
    .select(['first.conversation_id', 'first.role'])
    .orderBy('first.conversation_id')
    .orderBy('users.username'),
)

/** The first participants by id of each of these conversations, by username within each. */
export async function findFirstMembers(
  db: Executor,
  conversationIds: readonly string[],
  limit: number,
): Promise<MemberRow[]> {
  if (conversationIds.length === 0) return []
  if (isPostgres(db)) {
    const ids = JSON.stringify(conversationIds.map((id) => ({ conversation_id: id })))
    return firstOfEach(db, { ids, limit })
  }
  // SQLite has no lateral joins, and no round trips to save.
  const members: MemberRow[] = []
  for (const id of conversationIds) {
    const first = await listMembers(db, id, FIRST_USER_ID, limit)
    members.push(...first.sort((a, b) => (a.username < b.username ? -1 : 1)))
  }
  return members
}

const presentIds = statement((db, p: { conversationId: string }) =>
  db
    .selectFrom('participants')
    .select('user_id')
    .where('conversation_id', '=', p.conversationId)
    .where('left_at', 'is', null),
)

/** The ids of the current participants. */
export async function findIds(db: Executor, conversationId: string): Promise<string[]> {
  return (await presentIds(db, { conversationId })).map((row) => row.user_id)
}

const present = statement((db, p: { conversationIds: IdList; userIds: IdList }) =>
  db
    .selectFrom('participants')
    .select(['conversation_id', 'user_id'])
    .where((eb) => inList(db, eb, 'conversation_id', p.conversationIds))
    .where((eb) => inList(db, eb, 'user_id', p.userIds))
    .where('left_at', 'is', null),
)

/** Which of these users are in which of these conversations. */
export async function findPresent(
  db: Executor,
  conversationIds: readonly string[],
  userIds: readonly string[],
): Promise<Pick<ParticipantTable, 'conversation_id' | 'user_id'>[]> {
  if (conversationIds.length === 0) return []
  return present(db, { conversationIds: idList(db, conversationIds), userIds: idList(db, userIds) })
}

/** A stay, used to decide which events a user receives. */
export type StayRow = Pick<
  ParticipantTable,
  'conversation_id' | 'user_id' | 'after_seq' | 'until_seq' | 'first_event_id' | 'last_event_id'
>

const staysOf = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('participants')
    .select(['conversation_id', 'user_id', 'after_seq', 'until_seq', 'first_event_id', 'last_event_id'])
    .where((eb) => inList(db, eb, 'conversation_id', p.ids)),
)

/** All stays in these conversations, including ended ones. */
export async function findStays(db: Executor, conversationIds: readonly string[]): Promise<StayRow[]> {
  return conversationIds.length === 0 ? [] : staysOf(db, { ids: idList(db, conversationIds) })
}

const skipDeleted = statement((db, p: { conversationId: string; senderId: string; seq: number }) =>
  db
    .updateTable('participants')
    .set((eb) => ({ skipped_count: eb('skipped_count', '+', 1) }))
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '<>', p.senderId)
    .where('read_seq', '<', p.seq)
    .where('left_at', 'is', null),
)

/** Stops counting a deleted message as unread for participants who have not read it. */
export async function noteDeleted(
  trx: Executor,
  message: { conversationId: string; senderId: string; seq: number },
): Promise<void> {
  await skipDeleted(trx, message)
}
