import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { MessageTable } from '../message-table.ts'
import { type Executor, statement } from '../statement.ts'
import * as lastSeen from './last-seen.ts'
import * as secondFactors from './second-factors.ts'
import * as sessions from './sessions.ts'

/* Removes data when a user is erased or messages exceed the retention time, in batches of bounded size. */

/**
 * Marks a user as erased: they can no longer be found, sign in or be acted for. Frees the username, the external
 * id and the email address.
 *
 * @returns false if the user was erased already.
 */
export async function markErased(
  trx: Executor,
  userId: string,
  { username, at }: { username: string; at: Date },
): Promise<boolean> {
  const erased = await trx
    .updateTable('users')
    .set({ username, external_id: null, role: 'user', disabled_at: at, erased_at: at, updated_at: at })
    .where('id', '=', userId)
    .where('erased_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return erased !== undefined
}

/** Clears the profile and deletes the user's credentials, sessions and idempotency keys of groups. */
export async function eraseAccount(trx: Executor, userId: string): Promise<void> {
  await trx
    .updateTable('users')
    .set({
      // A server of the previous release does not clear it.
      external_id: null,
      display_name: null,
      display_name_key: null,
      first_name: null,
      last_name: null,
      email: null,
      email_key: null,
      avatar_url: null,
      password_hash: null,
    })
    .where('id', '=', userId)
    .execute()
  await sessions.removeAllOf(trx, userId)
  await secondFactors.remove(trx, userId)
  await lastSeen.remove(trx, userId)
  await trx.deleteFrom('password_resets').where('user_id', '=', userId).execute()
  await trx.deleteFrom('conversation_keys').where('creator_id', '=', userId).execute()
}

const erasedOf = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('users')
    .select('id')
    .where((eb) => inList(db, eb, 'users.id', p.ids))
    .where('erased_at', 'is not', null),
)

/** The ids of the erased users among these. */
export async function findErased(db: Executor, userIds: readonly string[]): Promise<string[]> {
  if (userIds.length === 0) return []
  return (await erasedOf(db, { ids: idList(db, userIds) })).map((row) => row.id)
}

/** The position of a message in lists by time across conversations. */
export interface MessagePosition {
  at: Date
  id: string
}

export type ErasableRow = Pick<
  MessageTable,
  'id' | 'conversation_id' | 'seq' | 'sender_id' | 'client_message_id' | 'created_at' | 'deleted_at'
>

const erasableColumns = [
  'id',
  'conversation_id',
  'seq',
  'sender_id',
  'client_message_id',
  'created_at',
  'deleted_at',
] as const

const sentAfter = statement((db, p: MessagePosition & { userId: string; limit: number }) =>
  db
    .selectFrom('messages')
    .select(erasableColumns)
    .where('sender_id', '=', p.userId)
    .where((eb) => eb(eb.refTuple('created_at', 'id'), '>', eb.tuple(p.at, p.id)))
    .orderBy('created_at')
    .orderBy('id')
    .limit(p.limit),
)

/** The messages a user has sent, including tombstones, oldest first, after a position. */
export async function listSent(
  db: Executor,
  userId: string,
  after: MessagePosition,
  limit: number,
): Promise<ErasableRow[]> {
  return sentAfter(db, { userId, at: after.at, id: after.id, limit })
}

const olderThan = statement((db, p: MessagePosition & { before: Date; limit: number }) =>
  db
    .selectFrom('messages')
    .select(erasableColumns)
    // Lets PostgreSQL use the index of all messages. Every seq is above 0.
    .where('seq', '>', (eb) => eb.lit(0))
    .where((eb) => eb(eb.refTuple('created_at', 'id'), '>', eb.tuple(p.at, p.id)))
    .where('created_at', '<', p.before)
    .orderBy('created_at')
    .orderBy('id')
    .limit(p.limit),
)

/** All messages older than `before`, oldest first, after a position. */
export async function listOlder(
  db: Executor,
  after: MessagePosition,
  before: Date,
  limit: number,
): Promise<ErasableRow[]> {
  return olderThan(db, { at: after.at, id: after.id, before, limit })
}

/** When the message with the latest time was sent. */
export async function findLatestTime(db: Executor): Promise<Date | undefined> {
  const row = await db
    .selectFrom('messages')
    .select('created_at')
    // Lets PostgreSQL use the index of all messages. Every seq is above 0.
    .where('seq', '>', (eb) => eb.lit(0))
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.created_at
}

const erasable = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('messages')
    .select(erasableColumns)
    .where((eb) => inList(db, eb, 'messages.id', p.ids)),
)

/** The current state of these messages. Requires the locks of their conversations. */
export async function findMessages(db: Executor, ids: readonly string[]): Promise<ErasableRow[]> {
  return ids.length === 0 ? [] : erasable(db, { ids: idList(db, ids) })
}

/** Removes the data that identifies a repeated send: a short text could be guessed from its hash. */
export async function eraseRepeatKey(trx: Executor, messageId: string): Promise<void> {
  await trx
    .updateTable('messages')
    .set({ client_message_id: null, content_hash: null })
    .where('id', '=', messageId)
    .execute()
}

const reactionsOf = statement((db, p: { userId: string; limit: number }) =>
  db
    .selectFrom('reactions')
    .innerJoin('messages', 'messages.id', 'reactions.message_id')
    .select(['messages.id', 'messages.conversation_id', 'reactions.emoji'])
    .where('reactions.user_id', '=', p.userId)
    .orderBy('reactions.message_id')
    .orderBy('reactions.emoji')
    .limit(p.limit),
)

/** Up to `limit` of a user's reactions with their conversations. */
export async function listReactions(
  db: Executor,
  userId: string,
  limit: number,
): Promise<{ id: string; conversation_id: string; emoji: string }[]> {
  return reactionsOf(db, { userId, limit })
}

/**
 * Deletes up to `limit` contact rows that involve a user, on either side.
 *
 * @returns the other users affected, and whether there is more to delete.
 */
export async function removeContacts(
  trx: Executor,
  userId: string,
  limit: number,
): Promise<{ otherIds: string[]; isMore: boolean }> {
  const deleted = await trx
    .deleteFrom('contacts')
    .where((eb) =>
      eb(
        eb.refTuple('user_id', 'contact_id'),
        'in',
        eb
          .selectFrom('contacts')
          .select(['user_id', 'contact_id'])
          .where((or) => or.or([or('user_id', '=', userId), or('contact_id', '=', userId)]))
          .limit(limit)
          .$asTuple('user_id', 'contact_id'),
      ),
    )
    .returning('user_id')
    .execute()
  const otherIds = deleted.map((row) => row.user_id).filter((id) => id !== userId)
  return { otherIds, isMore: deleted.length === limit }
}

/** Deletes up to `limit` blocks by or of a user. @returns whether there is more to delete. */
export async function removeBlocks(trx: Executor, userId: string, limit: number): Promise<boolean> {
  const deleted = await trx
    .deleteFrom('blocks')
    .where((eb) =>
      eb(
        eb.refTuple('user_id', 'blocked_id'),
        'in',
        eb
          .selectFrom('blocks')
          .select(['user_id', 'blocked_id'])
          .where((or) => or.or([or('user_id', '=', userId), or('blocked_id', '=', userId)]))
          .limit(limit)
          .$asTuple('user_id', 'blocked_id'),
      ),
    )
    .returning('user_id')
    .execute()
  return deleted.length === limit
}

const conversationsAfter = statement((db, p: { userId: string; after: string; limit: number }) =>
  db
    .selectFrom('participants')
    .select('conversation_id')
    .distinct()
    .where('user_id', '=', p.userId)
    .where('conversation_id', '>', p.after)
    .orderBy('conversation_id')
    .limit(p.limit),
)

/** The ids of conversations that a user is or was in, in order, after an id. */
export async function listConversationIds(
  db: Executor,
  userId: string,
  after: string,
  limit: number,
): Promise<string[]> {
  return (await conversationsAfter(db, { userId, after, limit })).map((row) => row.conversation_id)
}

/** Deletes up to `limit` of a user's receipts in a conversation. @returns whether there is more to delete. */
export async function removeReceipts(
  trx: Executor,
  conversationId: string,
  userId: string,
  limit: number,
): Promise<boolean> {
  const deleted = await trx
    .deleteFrom('receipts')
    .where('conversation_id', '=', conversationId)
    .where('user_id', '=', userId)
    .where((eb) =>
      eb(
        eb.refTuple('kind', 'seq'),
        'in',
        eb
          .selectFrom('receipts')
          .select(['kind', 'seq'])
          .where('conversation_id', '=', conversationId)
          .where('user_id', '=', userId)
          .limit(limit)
          .$asTuple('kind', 'seq'),
      ),
    )
    .returning('seq')
    .execute()
  return deleted.length === limit
}

/** Up to `limit` of the groups that a user is in. */
export async function listGroupIds(db: Executor, userId: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('participants')
    .select('conversation_id')
    .where('user_id', '=', userId)
    .where('active_at', 'is', null)
    .where('left_at', 'is', null)
    .limit(limit)
    .execute()
  return rows.map((row) => row.conversation_id)
}
