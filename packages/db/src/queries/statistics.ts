import { type Executor, statement } from '../statement.ts'
import type { LogPosition } from './event-log.ts'

/** How far the event log is in the statistics. */
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
 * Moves on from a place, in the transaction that counts what lies between.
 *
 * @returns false, and changes nothing, when somebody else has moved on from there: what lies between is counted.
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

/** Marks users as active on a day. @returns how many of them were not yet. */
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

/** Forgets who was active on the days before this one. How many it were stays. */
export async function removeActiveUsers(trx: Executor, before: Date): Promise<void> {
  await trx.deleteFrom('active_users').where('day_at', '<', before).execute()
}

export interface StatisticsDay {
  day: Date
  messages: number
  activeUsers: number
}

/** Adds to a day's numbers. */
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

/** The days from this one on that have numbers, in order. */
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

/** A part of a table that is counted in the order of its ids. */
export interface CountedPart {
  /** The last id that was looked at; undefined at the end. */
  last: string | undefined
  rows: number
}

const userPart = statement((db, p: Part) =>
  db.selectFrom('users').select(['id', 'erased_at']).where('id', '>', p.after).orderBy('id').limit(p.limit),
)

/** Counts a part of the users; those who were erased are none. */
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

/** Counts a part of the conversations, and the messages that were ever sent there: their numbers have no gaps. */
export async function countConversations(
  db: Executor,
  after: string,
  limit: number,
): Promise<CountedPart & { messages: number }> {
  const rows = await conversationPart(db, { after, limit })
  const last = rows.length < limit ? undefined : rows.at(-1)?.id
  return { last, rows: rows.length, messages: rows.reduce((sum, row) => sum + row.last_seq, 0) }
}
