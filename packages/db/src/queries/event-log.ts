import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { EventTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { findHorizon } from './log-horizon.ts'

/*
 * The log in commit order.
 *
 * SQLite has one writer, so ids are in commit order. On PostgreSQL the order is (xid, id), and rows are read only below
 * the horizon, which log-reader.ts finds.
 */

/** A log position. On SQLite `xid` is always '0'. */
export interface LogPosition {
  xid: string
  id: number
}

export interface EventRow extends Omit<EventTable, 'id'>, LogPosition {}

export function comparePositions(a: LogPosition, b: LogPosition): number {
  // Transaction ids have 64 bits. As strings without leading zeros they compare by length, then by digits.
  if (a.xid.length !== b.xid.length) return a.xid.length - b.xid.length
  return a.xid === b.xid ? a.id - b.id : a.xid < b.xid ? -1 : 1
}

export const eventColumns = [
  'type',
  'conversation_id',
  'audience_user_id',
  'user_id',
  'message_id',
  'seq',
  'detail',
  'created_at',
] as const

export const positionOf = { sqlite: sql<string>`'0'`, postgres: sql<string>`events.xid::text` }

export interface LogEnd {
  position: LogPosition
  /** When the event at this position was written. Undefined if the log is empty. */
  at: Date | undefined
}

/** The last position that can be read now. */
export async function findEnd(db: Executor): Promise<LogEnd> {
  const query = db.selectFrom('events').select(['id', 'created_at'])
  const row = await (isPostgres(db)
    ? query
        .select(positionOf.postgres.as('xid'))
        .where(sql<boolean>`events.xid < ${(await findHorizon(db)).xid}::xid8`)
        .orderBy(sql`events.xid`, 'desc')
    : query.select(positionOf.sqlite.as('xid'))
  )
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row
    ? { position: { xid: row.xid, id: row.id }, at: row.created_at }
    : { position: { xid: '0', id: 0 }, at: undefined }
}

/**
 * When the event at a position was written. Undefined if the event does not exist, or no longer. On PostgreSQL also
 * undefined at a position no reader can have reached, as in a log restored from a cluster that was further ahead.
 */
export async function findTime(db: Executor, { xid, id }: LogPosition): Promise<Date | undefined> {
  if (!isPostgres(db) && xid !== '0') return undefined
  const query = db.selectFrom('events').select('created_at').where('id', '=', id)
  const row = await (isPostgres(db)
    ? query
        .where(sql<boolean>`events.xid = ${xid}::xid8`)
        .where(sql<boolean>`events.xid < pg_snapshot_xmax(pg_current_snapshot())`)
    : query
  ).executeTakeFirst()
  return row?.created_at
}

/** A user's events after one position, up to another below which everything can be read. */
interface MissedRange {
  userId: string
  /** Only events of this conversation. Undefined for all. */
  conversationId: string | undefined
  after: LogPosition
  upTo: LogPosition
  limit: number
}

interface MissedParameters {
  userId: string
  conversationId: string | null
  afterXid: string
  afterId: number
  upToXid: string
  upToId: number
  limit: number
}

/** The events of conversations that are covered by a stay of the user and whose message the user may read. */
function ofStays(db: Executor, p: Pick<MissedParameters, 'userId'>) {
  return db
    .selectFrom('participants')
    .innerJoin('events', 'events.conversation_id', 'participants.conversation_id')
    .where('participants.user_id', '=', p.userId)
    .whereRef('events.id', '>=', 'participants.first_event_id')
    .where((eb) =>
      eb.or([
        eb('participants.last_event_id', 'is', null),
        eb('events.id', '<=', eb.ref('participants.last_event_id')),
      ]),
    )
    .where((eb) =>
      eb.or([eb('events.audience_user_id', 'is', null), eb('events.audience_user_id', '=', p.userId)]),
    )
    .where((eb) =>
      eb.or([
        eb('events.message_id', 'is', null),
        eb('participants.after_seq', '=', 0),
        // The message was sent in an earlier stay and changed in this one.
        eb.exists(
          eb
            .selectFrom('participants as stay')
            .select('stay.user_id')
            .whereRef('stay.conversation_id', '=', 'participants.conversation_id')
            .whereRef('stay.user_id', '=', 'participants.user_id')
            .whereRef('stay.after_seq', '<', 'events.seq')
            .where((or) =>
              or.or([or('stay.until_seq', 'is', null), or('stay.until_seq', '>=', or.ref('events.seq'))]),
            ),
        ),
      ]),
    )
}

/** Events for this user only that belong to no conversation. */
function ofUser(db: Executor, p: Pick<MissedParameters, 'userId'>) {
  return db
    .selectFrom('events')
    .where('events.audience_user_id', '=', p.userId)
    .where('events.conversation_id', 'is', null)
}

/** Conditions that differ between the two databases. */
interface DialectConditions {
  xid: RawBuilder<string>
  /** Limits events to the range of positions. */
  inRange: (p: MissedParameters) => RawBuilder<boolean>
  /** Limits events to the requested conversation, if there is one. */
  inConversation: (p: MissedParameters) => RawBuilder<boolean>
  /** True if no conversation is requested. */
  ofAllConversations: (p: MissedParameters) => RawBuilder<boolean>
}

const dialectConditions = {
  sqlite: {
    xid: positionOf.sqlite,
    inRange: (p) => sql`events.id > ${p.afterId} and events.id <= ${p.upToId}`,
    inConversation: (p) =>
      sql`participants.conversation_id = coalesce(${p.conversationId}, participants.conversation_id)`,
    ofAllConversations: (p) => sql`${p.conversationId} is null`,
  },
  postgres: {
    xid: positionOf.postgres,
    inRange: (p) =>
      sql`(events.xid, events.id) > (${p.afterXid}::xid8, ${p.afterId}::bigint)
        and (events.xid, events.id) <= (${p.upToXid}::xid8, ${p.upToId}::bigint)`,
    inConversation: (p) =>
      sql`participants.conversation_id = coalesce(${p.conversationId}::uuid, participants.conversation_id)`,
    ofAllConversations: (p) => sql`${p.conversationId}::uuid is null`,
  },
} as const satisfies Record<string, DialectConditions>

const missedColumns = ['events.id', ...eventColumns.map((column) => `events.${column}` as const)] as const

function missed(
  db: Executor,
  p: MissedParameters,
  { xid, inRange, inConversation, ofAllConversations }: DialectConditions,
) {
  return ofStays(db, p)
    .where(inConversation(p))
    .where(inRange(p))
    .select(missedColumns)
    .select(xid.as('xid'))
    .unionAll(
      ofUser(db, p)
        .where(ofAllConversations(p))
        .where(inRange(p))
        .select(missedColumns)
        .select(xid.as('xid')),
    )
}

// Collects the range before sorting it. Otherwise PostgreSQL might scan the whole log in order, through all other
// users' events, until it has found enough rows.
const missedRows = {
  sqlite: statement((db, p: MissedParameters) =>
    db
      .with(
        (cte) => cte('missed').materialized(),
        () => missed(db, p, dialectConditions.sqlite),
      )
      .selectFrom('missed')
      .selectAll('missed')
      .orderBy('id')
      .limit(p.limit),
  ),
  postgres: statement((db, p: MissedParameters) =>
    db
      .with(
        (cte) => cte('missed').materialized(),
        () => missed(db, p, dialectConditions.postgres),
      )
      .selectFrom('missed')
      .selectAll('missed')
      .orderBy(sql`xid::xid8`)
      .orderBy('id')
      .limit(p.limit),
  ),
}

function countOf(db: Executor, p: MissedParameters, dialect: DialectConditions) {
  return db
    .selectFrom(missed(db, p, dialect).limit(p.limit).as('missed'))
    .select((eb) => eb.fn.countAll<number>().as('count'))
}
const missedCount = {
  sqlite: statement((db, p: MissedParameters) => countOf(db, p, dialectConditions.sqlite)),
  postgres: statement((db, p: MissedParameters) => countOf(db, p, dialectConditions.postgres)),
}

/**
 * The first events of a user between two positions, in order. The events of each conversation are a single index range.
 */
export async function readMissed(db: Executor, range: MissedRange): Promise<EventRow[]> {
  return missedRows[isPostgres(db) ? 'postgres' : 'sqlite'](db, parametersOf(range))
}

/** The number of events a user has between two positions, counted up to `limit`. */
export async function countMissed(db: Executor, range: MissedRange): Promise<number> {
  const [row] = await missedCount[isPostgres(db) ? 'postgres' : 'sqlite'](db, parametersOf(range))
  return row?.count ?? 0
}

function parametersOf({ userId, conversationId, after, upTo, limit }: MissedRange): MissedParameters {
  return {
    userId,
    conversationId: conversationId ?? null,
    afterXid: after.xid,
    afterId: after.id,
    upToXid: upTo.xid,
    upToId: upTo.id,
    limit,
  }
}

/** The epoch of the log. Cursors of another epoch cannot be continued. */
export async function findEpoch(db: Executor): Promise<string> {
  if (await isForeignLog(db)) await startNewLog(db)
  const { epoch } = await db.selectFrom('event_log').select('epoch').executeTakeFirstOrThrow()
  return epoch
}

/**
 * Whether the log was restored from another PostgreSQL cluster. It then contains transaction ids that this cluster has
 * not reached, and new events would sort before those.
 */
async function isForeignLog(db: Executor): Promise<boolean> {
  if (!isPostgres(db)) return false
  const { rows } = await sql<{ foreign: boolean }>`
    select exists (select from events where xid >= pg_snapshot_xmax(pg_current_snapshot())) as "foreign"
  `.execute(db)
  return rows[0]?.foreign ?? false
}

/** Only the log is lost: clients that resume must reload. */
async function startNewLog(db: Executor): Promise<void> {
  await db.transaction().execute(async (trx) => {
    // Lets one server at a time do this. The next one finds nothing left to do.
    await trx
      .updateTable('event_log')
      .set((eb) => ({ epoch: eb.ref('epoch') }))
      .execute()
    if (!(await isForeignLog(trx))) return
    await trx
      .deleteFrom('events')
      .where(sql<boolean>`xid >= pg_snapshot_xmax(pg_current_snapshot())`)
      .execute()
    await renewEpoch(trx)
  })
}

/** Starts a new epoch. Readers cannot continue from a position in the previous one. */
export async function renewEpoch(trx: Executor): Promise<void> {
  await trx
    .updateTable('event_log')
    .set({ epoch: randomUUID().slice(0, 8) })
    .execute()
}

/** Deletes up to `limit` of the events older than `before`, oldest first. @returns the number of deleted events. */
export async function removeOld(db: Executor, before: Date, limit: number): Promise<number> {
  const old = await db
    .selectFrom('events')
    .select(['id', 'created_at'])
    .where('created_at', '<', before)
    .orderBy('created_at')
    .limit(limit)
    .execute()
  const last = old.at(-1)
  if (!last) return 0
  // The bound on created_at keeps each batch from scanning all other old events.
  await db
    .deleteFrom('events')
    .where('created_at', '<=', last.created_at)
    .where(
      'id',
      'in',
      old.map((row) => row.id),
    )
    .execute()
  return old.length
}
