import { type ExpressionBuilder, sql } from 'kysely'
import type { MessageTable } from '../message-table.ts'
import type { Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { newest } from './inbox.ts'
import type { Span } from './participants.ts'
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

const groupsOfUser = statement((db, p: { userId: string }) =>
  db
    .selectFrom('participants')
    .innerJoin('conversations', 'conversations.id', 'participants.conversation_id')
    .select([
      'participants.conversation_id',
      'participants.after_seq',
      'participants.until_seq',
      'conversations.updated_at',
    ])
    .where('participants.user_id', '=', p.userId)
    .where('participants.active_at', 'is', null)
    .orderBy('conversations.updated_at', 'desc')
    .orderBy('participants.conversation_id')
    .orderBy('participants.first_event_id'),
)

/** The groups that a user is or was in, latest activity first. */
export async function findGroupStays(db: Executor, userId: string): Promise<StaySource[]> {
  const stays = Map.groupBy(await groupsOfUser(db, { userId }), (row) => row.conversation_id)
  return [...stays].map(([conversationId, rows]) => ({
    by: 'stays',
    conversationId,
    spans: rows.map((row) => ({ after: row.after_seq, until: row.until_seq ?? undefined })),
    newestAt: rows[0]?.updated_at ?? new Date(0),
  }))
}

export interface TimelineFilter {
  kind?: MessageTable['kind'] | undefined
  /** Whether the recipient has read the message. Messages without a recipient (in groups) match neither value. */
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

/** The ids of one page. Sources must not overlap. A `conversation` source can only be used alone. */
export async function list(
  db: Executor,
  sources: readonly Source[],
  filter: TimelineFilter,
  before: TimelinePosition | undefined,
  limit: number,
): Promise<TimelinePage> {
  const budget = Math.max(limit + 1, Math.floor(SCAN_BUDGET / sources.length))
  const walks: Walk[] = []
  for (const source of sources) {
    if (source.by === 'stays' && isFull(walks, source.newestAt, limit)) continue
    walks.push(await walk(db, source, filter, before, limit, budget))
  }

  // If a source stopped early, matches of other sources beyond that point must wait for the next page.
  const floor = walks.flatMap((done) => done.stoppedAt ?? []).reduce<Key | undefined>(newerOf, undefined)
  const merged = walks
    .flatMap((done) => done.matches)
    .sort((a, b) => -compare(a, b))
    .filter((key) => !floor || compare(key, floor) >= 0)
  const page = merged.slice(0, limit)
  const last = merged.length > limit ? page.at(-1) : floor
  return { ids: page.map((key) => key.id), next: last && positionOf(last) }
}

/** Whether the page and the first item of the next one are found and all newer than this. */
function isFull(walks: readonly Walk[], at: Date, limit: number): boolean {
  const newer = walks.flatMap((done) => done.matches.filter((key) => key.created_at > at))
  return newer.length > limit
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
      if (!key.matches) continue
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
      const read = eb.exists(
        eb
          .selectFrom('participants as p')
          .select('p.user_id')
          .whereRef('p.conversation_id', '=', 'm.conversation_id')
          .whereRef('p.user_id', '=', 'm.recipient_id')
          .whereRef('p.read_seq', '>=', 'm.seq'),
      )
      const conditions = [
        ...(filter.kind ? [eb('m.kind', '=', filter.kind)] : []),
        ...(filter.isRead === undefined
          ? []
          : [eb('m.recipient_id', 'is not', null), filter.isRead ? read : eb.not(read)]),
        ...('senderId' in source && source.senderId ? [eb('m.sender_id', '=', source.senderId)] : []),
        ...('exceptFrom' in source && source.exceptFrom ? [eb('m.sender_id', '<>', source.exceptFrom)] : []),
        ...(source.by === 'stays' ? [eb.or(source.spans.map((span) => isInSpan(eb, span)))] : []),
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

function isInSpan(eb: ExpressionBuilder<{ m: Schema['messages'] }, 'm'>, { after, until }: Span) {
  const isAfter = eb('m.seq', '>', after)
  return until === undefined ? isAfter : eb.and([isAfter, eb('m.seq', '<=', until)])
}
