import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { ConversationTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { isUuid } from './users.ts'

export type ConversationRow = ConversationTable

/** The key of the direct conversation of two users, which exists before the conversation does. */
export function directKey(a: string, b: string): string {
  return a < b ? `${a}:${b}` : `${b}:${a}`
}

/** What writers of one conversation take turns on. */
export function lockKeyOf(conversation: Pick<ConversationRow, 'id' | 'direct_key'>): string {
  return conversation.direct_key ?? conversation.id
}

/** Arrays keep their order, in which PostgreSQL takes the locks. */
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
 * Makes the writers of one conversation take turns, until the transaction ends.
 *
 * Call it first in the transaction, before anything that writes: PostgreSQL hands out the transaction's id at
 * the first write, and the event log tells a conversation's events in the order of these ids. SQLite has one
 * writer at a time anyway.
 */
export async function lock(trx: Executor, key: string): Promise<void> {
  await lockMany(trx, [key])
}

/**
 * The turns of several conversations, as `lock`. Always in the same order, so that of two transactions
 * that need several none holds what the other waits for: whoever needs more than one names them all here.
 */
export async function lockMany(trx: Executor, keys: readonly string[]): Promise<void> {
  if (isPostgres(trx) && keys.length > 0) await advisoryLocks(trx, { keys: keys.toSorted() })
}

/**
 * The turns of those of these conversations that nobody else has now, as `lock`, without waiting.
 *
 * @returns the keys of those whose turn it is.
 */
export async function lockFree(trx: Executor, keys: readonly string[]): Promise<ReadonlySet<string>> {
  if (!isPostgres(trx)) return new Set(keys)
  const locks = await freeAdvisoryLocks(trx, { keys })
  return new Set(locks.filter(({ is_ours }) => is_ours).map(({ key }) => key))
}

// By name: after a newer server has added a column, PostgreSQL refuses a statement that was prepared with `*`.
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
  /** The key of a direct conversation; null for a group. */
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

export async function rename(trx: Executor, id: string, name: string): Promise<void> {
  await trx.updateTable('conversations').set({ name }).where('id', '=', id).execute()
}
