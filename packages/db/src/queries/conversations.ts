import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { ConversationTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { isUuid } from './users.ts'

export type ConversationRow = ConversationTable

/** The key of the direct conversation of two users. Known before the conversation exists. */
export function directKey(a: string, b: string): string {
  return a < b ? `${a}:${b}` : `${b}:${a}`
}

/** The key of the conversation lock. */
export function lockKeyOf(conversation: Pick<ConversationRow, 'id' | 'direct_key'>): string {
  return conversation.direct_key ?? conversation.id
}

/** PostgreSQL takes the locks in the order of the array. */
interface LockKeys {
  keys: readonly string[]
}

const advisoryLocks = statement((db, { keys }: LockKeys) =>
  db
    .selectFrom(sql<{ key: string }>`unnest(${keys}::text[])`.as<'lock'>(sql`lock(key)`))
    .select(sql`pg_advisory_xact_lock(hashtextextended(lock.key, 0))`.as('locked')),
)
const freeAdvisoryLocks = statement((db, { keys }: LockKeys) =>
  db
    .selectFrom(sql<{ key: string }>`unnest(${keys}::text[])`.as<'lock'>(sql`lock(key)`))
    .select('lock.key')
    .select(sql<boolean>`pg_try_advisory_xact_lock(hashtextextended(lock.key, 0))`.as('is_ours')),
)

/**
 * Takes the conversation lock, which is held until the transaction ends.
 *
 * Call this before the transaction writes anything: PostgreSQL assigns the transaction id at the first write, and the
 * event log is ordered by these ids. Does nothing on SQLite, which has a single writer.
 */
export async function lock(trx: Executor, key: string): Promise<void> {
  await lockMany(trx, [key])
}

/**
 * Takes the locks of several conversations. A transaction that needs more than one must take them all in one call: they
 * are acquired in a fixed order, which prevents deadlocks.
 */
export async function lockMany(trx: Executor, keys: readonly string[]): Promise<void> {
  if (isPostgres(trx) && keys.length > 0) await advisoryLocks(trx, { keys: keys.toSorted() })
}

/**
 * Takes the locks of those conversations that are not locked, without waiting.
 *
 * @returns the keys that were locked.
 */
export async function lockFree(trx: Executor, keys: readonly string[]): Promise<ReadonlySet<string>> {
  if (!isPostgres(trx)) return new Set(keys)
  const locks = await freeAdvisoryLocks(trx, { keys })
  return new Set(locks.filter(({ is_ours }) => is_ours).map(({ key }) => key))
}

// Columns are named because PostgreSQL rejects a prepared statement that selects all columns once a column has been added.
export const conversationColumns = [
  'conversations.id',
  'conversations.kind',
  'conversations.name',
  'conversations.direct_key',
  'conversations.last_seq',
  'conversations.participant_count',
  'conversations.created_at',
  'conversations.updated_at',
] as const

const byId = statement((db, p: { id: string }) =>
  db.selectFrom('conversations').select(conversationColumns).where('id', '=', p.id),
)
const byDirectKey = statement((db, p: { key: string }) =>
  db.selectFrom('conversations').select(conversationColumns).where('direct_key', '=', p.key),
)

export async function find(db: Executor, id: string): Promise<ConversationRow | undefined> {
  if (!isUuid(id)) return undefined
  const [row] = await byId(db, { id })
  return row
}

export async function findDirect(db: Executor, key: string): Promise<ConversationRow | undefined> {
  const [row] = await byDirectKey(db, { key })
  return row
}

const byIds = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('conversations')
    .select(conversationColumns)
    .where((eb) => inList(db, eb, 'conversations.id', p.ids)),
)

export async function findMany(db: Executor, ids: readonly string[]): Promise<ConversationRow[]> {
  return ids.length === 0 ? [] : byIds(db, { ids: idList(db, ids) })
}

export interface NewConversation {
  id: string
  /** The key of a direct conversation. Null for a group. */
  directKey: string | null
  name: string | null
  participantCount: number
  at: Date
}

export async function insert(trx: Executor, conversation: NewConversation): Promise<void> {
  const { id, at } = conversation
  await trx
    .insertInto('conversations')
    .values({
      id,
      kind: conversation.directKey === null ? 'group' : 'direct',
      name: conversation.name,
      direct_key: conversation.directKey,
      last_seq: 0,
      participant_count: conversation.participantCount,
      created_at: at,
      updated_at: at,
    })
    .execute()
}

interface ClientKey {
  creatorId: string
  clientConversationId: string
}

const byClientKey = statement((db, p: ClientKey) =>
  db
    .selectFrom('conversation_keys')
    .select(['conversation_id', 'content_hash'])
    .where('creator_id', '=', p.creatorId)
    .where('client_conversation_id', '=', p.clientConversationId),
)

/** The group created by an earlier call of this user with this clientConversationId. */
export async function findByClientKey(
  db: Executor,
  key: ClientKey,
): Promise<{ conversation_id: string; content_hash: string } | undefined> {
  const [row] = await byClientKey(db, key)
  return row
}

export async function insertClientKey(
  trx: Executor,
  { creatorId, clientConversationId }: ClientKey,
  group: { id: string; contentHash: string },
): Promise<void> {
  await trx
    .insertInto('conversation_keys')
    .values({
      creator_id: creatorId,
      client_conversation_id: clientConversationId,
      conversation_id: group.id,
      content_hash: group.contentHash,
    })
    .execute()
}

/**
 * Sets the name of a group. Keeps the previous one for users whose stay ended while the group had it.
 *
 * @param eventId the event of the change
 */
export async function rename(
  trx: Executor,
  { id, name: previous }: Pick<ConversationRow, 'id' | 'name'>,
  name: string,
  { eventId, at }: { eventId: number; at: Date },
): Promise<void> {
  if (previous !== null && (await hasEndedStay(trx, id))) {
    await trx
      .insertInto('conversation_names')
      .values({ conversation_id: id, event_id: eventId, name: previous, replaced_at: at })
      .execute()
  }
  await trx.updateTable('conversations').set({ name }).where('id', '=', id).execute()
}

/** Whether a stay has ended since the last name that was kept. */
async function hasEndedStay(trx: Executor, id: string): Promise<boolean> {
  const last = await trx
    .selectFrom('conversation_names')
    .select('event_id')
    .where('conversation_id', '=', id)
    .orderBy('event_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  const stay = await trx
    .selectFrom('participants')
    .select('user_id')
    .where('conversation_id', '=', id)
    .where('last_event_id', '>', last?.event_id ?? 0)
    .limit(1)
    .executeTakeFirst()
  return stay !== undefined
}
