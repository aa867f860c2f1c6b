import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { findsOne } from '../dialect/expressions.ts'
import type { MessageTable } from '../message-table.ts'
import type { Executor } from '../statement.ts'
import { listGroupStays, newest } from './inbox.ts'
import type { Viewer } from './messages.ts'
import { isWithin, type Span } from './participants.ts'
import { nextChunk } from './walk.ts'

/*
 * Lists of messages across conversations, newest first.
 *
 * A list merges several sources. Each source is a range of one index in the order of the list, so a page reads about as
 * many rows as it returns. Filters without an index are checked row by row. A scan that finds too few matches stops at
 * a limit, and the page is then short.
 */

/**
 * An index range: all messages, a user's sent or received messages, a conversation, or a user's stays in a
 * conversation.
 */
export type Source =
  | { by: 'all' }
  | { by: 'sender'; userId: string }
  | { by: 'recipient'; userId: string; exceptFrom?: string }
  | { by: 'conversation'; conversationId: string; senderId?: string }
  | StaySource

/** A user's stays in one conversation, as part of a list across conversations. */
export interface StaySource {
  by: 'stays'
  conversationId: string
  spans: readonly Span[]
  /** No message in it is newer than this. */
  newestAt: Date
  senderId?: string
  exceptFrom?: string
}

/** The groups that a user is or was in and in which there are messages for them, latest activity first. */
export async function findGroupStays(db: Executor, userId: string): Promise<StaySource[]> {
  const groups = new Map<string, { newestAt: Date; spans: Span[] }>()
  for await (const stays of listGroupStays(db, userId)) {
    for (const { id, updated_at: newestAt, last_seq: lastSeq, after_seq: after, until_seq: until } of stays) {
      if ((until ?? lastSeq) <= after) continue
      const group = groups.get(id) ?? { newestAt, spans: [] }
      groups.set(id, group)
      group.spans.push({ after, until: until ?? undefined })
    }
  }
  return [...groups]
    .map(([conversationId, group]) => ({ by: 'stays' as const, conversationId, ...group }))
    .sort((a, b) => b.newestAt.getTime() - a.newestAt.getTime())
}

export interface TimelineFilter {
  /** The user who reads, or null for a bare service key. */
  viewer: Viewer
  kind?: MessageTable['kind'] | undefined
  /**
   * Whether the recipient has read the message. Messages without a recipient (in groups) match neither value. For the
   * sender, only what was reported counts: not what the recipient has read during a block.
   */
  isRead?: boolean | undefined
  /** created_at >= since */
  since?: Date | undefined
  /** created_at < until */
  until?: Date | undefined
}

/**
 * The position to continue before. Within a millisecond, the seq keeps messages of one conversation in order, and the id
 * orders messages of different conversations.
 */
export interface TimelinePosition {
  at: Date
  seq: number
  id: string
}

export interface TimelinePage {
  ids: string[]
  next: TimelinePosition | undefined
}

interface Key {
  id: string
  created_at: Date
  seq: number
}

/** The maximum number of messages scanned per request, over all sources. */
const SCAN_BUDGET = 2_000

/** Sorts before every id. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** The number of sources that are read in one iteration of the event loop, which takes a few milliseconds. */
const SOURCES_PER_TURN = 100

/** The ids of one page. Sources must not overlap. A `conversation` source can only be used alone. */
export async function list(
  db: Executor,
  sources: readonly Source[],
  filter: TimelineFilter,
  before: TimelinePosition | undefined,
  limit: number,
): Promise<TimelinePage> {
  const budget = Math.max(limit + 1, Math.floor(SCAN_BUDGET / sources.length))
  /** The newest matches so far: those of the page and the first of the next one. */
  let newestKeys: Key[] = []
  /** If a source stopped early, matches of other sources beyond that point must wait for the next page. */
  let floor: Key | undefined
  for (const [index, source] of sources.entries()) {
    const last = newestKeys[limit]
    if (last && source.by === 'stays' && last.created_at > source.newestAt) continue
    // On SQLite, reading waits for nothing.
    if (index > 0 && index % SOURCES_PER_TURN === 0) await setImmediate()
    const { matches, stoppedAt } = await walk(db, source, sinceAtLeast(filter, last), before, limit, budget)
    if (stoppedAt) floor = newerOf(floor, stoppedAt)
    if (matches.length === 0) continue
    newestKeys = [...newestKeys, ...matches].sort((a, b) => -compare(a, b)).slice(0, limit + 1)
  }

  const merged = newestKeys.filter((key) => !floor || compare(key, floor) >= 0)
  const page = merged.slice(0, limit)
  const last = merged.length > limit ? page.at(-1) : floor
  return { ids: page.map((key) => key.id), next: last && positionOf(last) }
}

/** What is older than the last key does not get on the page. */
function sinceAtLeast(filter: TimelineFilter, last: Key | undefined): TimelineFilter {
  if (!last || (filter.since && filter.since > last.created_at)) return filter
  return { ...filter, since: last.created_at }
}

function compare(a: Key, b: Key): number {
  const order = a.created_at.getTime() - b.created_at.getTime() || a.seq - b.seq
  return order !== 0 ? order : a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

function positionOf({ created_at: at, seq, id }: Key): TimelinePosition {
  return { at, seq, id }
}

function newerOf(a: Key | undefined, b: Key): Key {
  return a && compare(a, b) > 0 ? a : b
}

interface Walk {
  matches: Key[]
  /** The last key read, if there may be more after it. */
  stoppedAt: Key | undefined
}

async function walk(
  db: Executor,
  source: Source,
  filter: TimelineFilter,
  before: TimelinePosition | undefined,
  limit: number,
  budget: number,
): Promise<Walk> {
  const matches: Key[] = []
  let position = startOf(filter, before)
  let chunk = Math.min(limit + 1, budget)
  for (let scanned = 0; scanned < budget; ) {
    const keys = await readKeys(db, source, filter, position, chunk)
    for (const key of keys) {
      if (!key.matches || (source.by === 'stays' && !isWithin(source.spans, key.seq))) continue
      matches.push(key)
      if (matches.length > limit) return { matches, stoppedAt: key }
    }
    const last = keys.at(-1)
    if (!last || keys.length < chunk) return { matches, stoppedAt: undefined }
    position = positionOf(last)
    scanned += chunk
    if (scanned >= budget) return { matches, stoppedAt: last }
    chunk = Math.min(nextChunk(scanned, matches.length, limit), budget - scanned)
  }
  throw new Error('a walk has a budget of at least one row')
}

/**
 * The position that everything comes before: `until`, or the end of the previous page. Given two upper bounds, SQLite
 * would seek to one of them and scan past the rows that the other excludes.
 */
function startOf(
  { until = newest.at }: TimelineFilter,
  before: TimelinePosition | undefined,
): TimelinePosition {
  if (before && before.at < until) return before
  // The lowest seq excludes everything at that exact time.
  return { at: until, seq: 0, id: FIRST_ID }
}

async function readKeys(
  db: Executor,
  source: Source,
  filter: TimelineFilter,
  before: TimelinePosition,
  limit: number,
): Promise<(Key & { matches: number })[]> {
  let query = db
    .selectFrom('messages as m')
    .select(['m.id', 'm.created_at', 'm.seq'])
    .select((eb) => {
      const marked = eb.exists(
        eb
          .selectFrom('participants as p')
          .select('p.user_id')
          .whereRef('p.conversation_id', '=', 'm.conversation_id')
          .whereRef('p.user_id', '=', 'm.recipient_id')
          .whereRef('p.read_seq', '>=', 'm.seq'),
      )
      const reported = findsOne(
        eb
          .selectFrom('receipts as r')
          .whereRef('r.conversation_id', '=', 'm.conversation_id')
          .whereRef('r.user_id', '=', 'm.recipient_id')
          .where('r.kind', '=', sql.lit('read' as const))
          .whereRef('r.seq', '>=', 'm.seq'),
      )
      const { viewer } = filter
      const read =
        viewer === null
          ? marked
          : sql<boolean>`case when ${eb('m.recipient_id', '=', viewer)} then ${marked} else ${reported} end`
      const conditions = [
        ...(filter.kind ? [eb('m.kind', '=', filter.kind)] : []),
        ...(filter.isRead === undefined
          ? []
          : [eb('m.recipient_id', 'is not', null), filter.isRead ? read : eb.not(read)]),
        ...('senderId' in source && source.senderId ? [eb('m.sender_id', '=', source.senderId)] : []),
        ...('exceptFrom' in source && source.exceptFrom ? [eb('m.sender_id', '<>', source.exceptFrom)] : []),
      ]
      return conditions.length === 0
        ? eb.lit(1).as('matches')
        : eb.case().when(eb.and(conditions)).then(eb.lit(1)).else(eb.lit(0)).end().as('matches')
    })
    .orderBy('m.created_at', 'desc')
    .orderBy('m.seq', 'desc')
    .limit(limit)
  // Lets PostgreSQL use the index of all messages. Every seq is above 0.
  if (source.by === 'all') query = query.where('m.seq', '>', (eb) => eb.lit(0))
  if (source.by === 'sender') query = query.where('m.sender_id', '=', source.userId)
  if (source.by === 'recipient') query = query.where('m.recipient_id', '=', source.userId)
  if ('conversationId' in source) query = query.where('m.conversation_id', '=', source.conversationId)
  if (filter.since) query = query.where('m.created_at', '>=', filter.since)
  if ('conversationId' in source) {
    return query.where(sql<boolean>`(m.created_at, m.seq) < (${before.at}, ${before.seq})`).execute()
  }
  // The indexes are ordered by time and id, so rows of the same time are sorted by seq here.
  return query
    .orderBy('m.id', 'desc')
    .where('m.created_at', '<=', before.at)
    .where(sql<boolean>`(m.created_at, m.seq, m.id) < (${before.at}, ${before.seq}, ${before.id})`)
    .execute()
}
