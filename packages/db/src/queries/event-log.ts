import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { EventTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { EventType } from './events.ts'

/*
 * Reading the log, in commit order.
 *
 * SQLite has one writer, so the row's id is commit order. On PostgreSQL the order is (xid, id), and nothing at or
 * above the oldest transaction that still runs is read: what it will commit comes before it.
 */

/** A place in the log. On SQLite `xid` is always '0'. */
export interface LogPosition {
  xid: string
  id: number
}

export interface EventRow extends Omit<EventTable, 'id' | 'type'>, LogPosition {
  type: EventType
}

export function comparePositions(a: LogPosition, b: LogPosition): number {
  // Transaction ids are 64 bits wide: as strings without leading zeros they order by length, then by digits.
  if (a.xid.length !== b.xid.length) return a.xid.length - b.xid.length
  return a.xid === b.xid ? a.id - b.id : a.xid < b.xid ? -1 : 1
}

const columns = [
  'type',
  'conversation_id',
  'audience_user_id',
  'user_id',
  'message_id',
  'seq',
  'emoji',
  'created_at',
] as const

const xidText = sql<string>`events.xid::text`
const settled = sql<boolean>`events.xid < pg_snapshot_xmin(pg_current_snapshot())`
const positionOf = { sqlite: sql<string>`'0'`, postgres: xidText }

const sqliteAfter = statement((db, p: LogPosition & { limit: number }) =>
  db
    .selectFrom('events')
    .select(['id', ...columns])
    .select(positionOf.sqlite.as('xid'))
    .where('id', '>', p.id)
    .orderBy('id')
    .limit(p.limit),
)
const postgresAfter = statement((db, p: LogPosition & { limit: number }) =>
  db
    .selectFrom('events')
    .select(['id', ...columns])
    .select(positionOf.postgres.as('xid'))
    .where(sql<boolean>`(events.xid, events.id) > (${p.xid}::xid8, ${p.id}::bigint)`)
    .where(settled)
    .orderBy(sql`events.xid`)
    .orderBy('id')
    .limit(p.limit),
)

/** What follows a place in the log, in order. */
export async function readLog(db: Executor, after: LogPosition, limit: number): Promise<EventRow[]> {
  const rows = await (isPostgres(db) ? postgresAfter : sqliteAfter)(db, {
    xid: after.xid,
    id: after.id,
    limit,
  })
  // `type` is what appendEvent wrote.
  return rows as EventRow[]
}

/** Whether committed rows wait for an older transaction to end. Never on SQLite. */
export async function hasUnsettledEvents(db: Executor): Promise<boolean> {
  if (!isPostgres(db)) return false
  const { rows } = await sql<{ waiting: boolean }>`
    select exists (select from events where xid >= pg_snapshot_xmin(pg_current_snapshot())) as waiting
  `.execute(db)
  return rows[0]?.waiting ?? false
}

/** The oldest transaction that holds the log's readers back, when it has run for longer than this. */
export async function findLogBlocker(
  db: Executor,
  olderThanMs: number,
): Promise<{ pid: number; application: string; ageMs: number } | undefined> {
  if (!isPostgres(db)) return undefined
  const { rows } = await sql<{ pid: number; application: string; age_ms: number }>`
    select pid, application_name as application, (extract(epoch from now() - xact_start) * 1000)::float8 as age_ms
    from pg_stat_activity
    where backend_xid is not null and xact_start < now() - ${olderThanMs} * interval '1 millisecond'
    order by age(backend_xid) desc
    limit 1
  `.execute(db)
  const [row] = rows
  return row && { pid: row.pid, application: row.application, ageMs: row.age_ms }
}

export interface LogEnd {
  position: LogPosition
  /** When the event at this place was written; undefined while the log is empty. */
  at: Date | undefined
}

/** The last place that can be read now. */
export async function findLogEnd(db: Executor): Promise<LogEnd> {
  const query = db.selectFrom('events').select(['id', 'created_at'])
  const row = await (isPostgres(db)
    ? query.select(xidText.as('xid')).where(settled).orderBy(sql`events.xid`, 'desc')
    : query.select(positionOf.sqlite.as('xid'))
  )
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row
    ? { position: { xid: row.xid, id: row.id }, at: row.created_at }
    : { position: { xid: '0', id: 0 }, at: undefined }
}

/** When the event at a place was written; undefined when there is none, or none any more. */
export async function findEventTime(db: Executor, { xid, id }: LogPosition): Promise<Date | undefined> {
  const query = db.selectFrom('events').select('created_at').where('id', '=', id)
  const row = await (isPostgres(db)
    ? query.where(sql<boolean>`events.xid = ${xid}::xid8`)
    : query
  ).executeTakeFirst()
  return row?.created_at
}

const sqliteMissed = statement((db, p: { userId: string; afterId: number; upToId: number; limit: number }) =>
  db
    .selectFrom('participants')
    .innerJoin('events', 'events.conversation_id', 'participants.conversation_id')
    .select(['events.id', ...columns.map((column) => `events.${column}` as const)])
    .select(positionOf.sqlite.as('xid'))
    .where('participants.user_id', '=', p.userId)
    .where('events.id', '>', p.afterId)
    .where('events.id', '<=', p.upToId)
    .limit(p.limit),
)
const postgresMissed = statement(
  (
    db,
    p: { userId: string; afterXid: string; afterId: number; upToXid: string; upToId: number; limit: number },
  ) =>
    db
      .selectFrom('participants')
      .innerJoin('events', 'events.conversation_id', 'participants.conversation_id')
      .select(['events.id', ...columns.map((column) => `events.${column}` as const)])
      .select(positionOf.postgres.as('xid'))
      .where('participants.user_id', '=', p.userId)
      .where(sql<boolean>`(events.xid, events.id) > (${p.afterXid}::xid8, ${p.afterId}::bigint)`)
      .where(sql<boolean>`(events.xid, events.id) <= (${p.upToXid}::xid8, ${p.upToId}::bigint)`)
      .limit(p.limit),
)

/**
 * A user's events between two places, in order. Each conversation's part is one range of an index.
 *
 * @param upTo a place that everything before it can be read at, such as the end of the log
 * @returns undefined when there are more than `limit`
 */
export async function readMissedEvents(
  db: Executor,
  userId: string,
  after: LogPosition,
  upTo: LogPosition,
  limit: number,
): Promise<EventRow[] | undefined> {
  const range = {
    userId,
    afterXid: after.xid,
    afterId: after.id,
    upToXid: upTo.xid,
    upToId: upTo.id,
    limit: limit + 1,
  }
  const rows = await (isPostgres(db) ? postgresMissed : sqliteMissed)(db, range)
  return rows.length > limit ? undefined : (rows as EventRow[]).sort(comparePositions)
}

export async function findLogEpoch(db: Executor): Promise<string> {
  const { epoch } = await db.selectFrom('event_log').select('epoch').executeTakeFirstOrThrow()
  return epoch
}

/** Deletes up to so many of the oldest events, if they are older than this. @returns how many. */
export async function deleteOldEvents(db: Executor, before: Date, limit: number): Promise<number> {
  const old = await db
    .selectFrom('events')
    .select('id')
    .where('created_at', '<', before)
    .orderBy('created_at')
    .limit(limit)
    .execute()
  const last = old.map((row) => row.id)
  if (last.length === 0) return 0
  await db.deleteFrom('events').where('created_at', '<', before).where('id', 'in', last).execute()
  return last.length
}
