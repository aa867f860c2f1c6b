import { type Executor, statement } from '../statement.ts'
import type { LogPosition } from './event-log.ts'

/** The log position up to which events are included in the statistics. */
export interface StatisticsPosition {
  epoch: string
  position: LogPosition
}

export async function findPosition(db: Executor): Promise<StatisticsPosition> {
  const row = await db
    .selectFrom('statistics_place')
    .select(['log_epoch', 'place_xid', 'place_id'])
    .executeTakeFirstOrThrow()
  return { epoch: row.log_epoch, position: { xid: row.place_xid, id: row.place_id } }
}

/**
 * Advances the position, in the transaction that counts the events between.
 *
 * @returns false, without changing anything, if another server has advanced it, and so counted these events.
 */
export async function movePosition(
  trx: Executor,
  from: StatisticsPosition,
  to: StatisticsPosition,
): Promise<boolean> {
  const moved = await trx
    .updateTable('statistics_place')
    .set({ log_epoch: to.epoch, place_xid: to.position.xid, place_id: to.position.id })
    .where('log_epoch', '=', from.epoch)
    .where('place_xid', '=', from.position.xid)
    .where('place_id', '=', from.position.id)
    .returning('log_epoch')
    .executeTakeFirst()
  return moved !== undefined
}

/** Records users as active on a day. @returns the number of users who were not recorded yet. */
export async function insertActiveUsers(
  trx: Executor,
  day: Date,
  userIds: readonly string[],
): Promise<number> {
  if (userIds.length === 0) return 0
  const inserted = await trx
    .insertInto('active_users')
    .values(userIds.map((userId) => ({ day_at: day, user_id: userId })))
    .onConflict((conflict) => conflict.doNothing())
    .returning('user_id')
    .execute()
  return inserted.length
}

/** Deletes the list of active users of the days before this one. Their number remains. */
export async function removeActiveUsers(trx: Executor, before: Date): Promise<void> {
  await trx.deleteFrom('active_users').where('day_at', '<', before).execute()
}

export interface StatisticsDay {
  day: Date
  messages: number
  activeUsers: number
}

/** Adds to the numbers of a day. */
export async function addToDay(trx: Executor, { day, messages, activeUsers }: StatisticsDay): Promise<void> {
  await trx
    .insertInto('statistics_days')
    .values({ day_at: day, message_count: messages, active_count: activeUsers })
    .onConflict((conflict) =>
      conflict.column('day_at').doUpdateSet((eb) => ({
        message_count: eb('statistics_days.message_count', '+', messages),
        active_count: eb('statistics_days.active_count', '+', activeUsers),
      })),
    )
    .execute()
}

const daysSince = statement((db, p: { since: Date }) =>
  db
    .selectFrom('statistics_days')
    .select(['day_at', 'message_count', 'active_count'])
    .where('day_at', '>=', p.since)
    .orderBy('day_at'),
)

/** The days from `since` on that have numbers, in order. */
export async function listDays(db: Executor, since: Date): Promise<StatisticsDay[]> {
  const rows = await daysSince(db, { since })
  return rows.map((row) => ({
    day: row.day_at,
    messages: row.message_count,
    activeUsers: row.active_count,
  }))
}

interface Part {
  after: string
  limit: number
}

/** A batch of a table that is counted in id order. */
export interface CountedPart {
  /** The last id read. Undefined at the end of the table. */
  last: string | undefined
  rows: number
}

const userPart = statement((db, p: Part) =>
  db.selectFrom('users').select(['id', 'erased_at']).where('id', '>', p.after).orderBy('id').limit(p.limit),
)

/** Counts a batch of users. Erased users do not count. */
export async function countUsers(db: Executor, after: string, limit: number): Promise<CountedPart> {
  const rows = await userPart(db, { after, limit })
  const last = rows.length < limit ? undefined : rows.at(-1)?.id
  return { last, rows: rows.filter((row) => row.erased_at === null).length }
}

const conversationPart = statement((db, p: Part) =>
  db
    .selectFrom('conversations')
    .select(['id', 'last_seq'])
    .where('id', '>', p.after)
    .orderBy('id')
    .limit(p.limit),
)

/** Counts a batch of conversations and the messages ever sent in them: `last_seq`, as seqs have no gaps. */
export async function countConversations(
  db: Executor,
  after: string,
  limit: number,
): Promise<CountedPart & { messages: number }> {
  const rows = await conversationPart(db, { after, limit })
  const last = rows.length < limit ? undefined : rows.at(-1)?.id
  return { last, rows: rows.length, messages: rows.reduce((sum, row) => sum + row.last_seq, 0) }
}
