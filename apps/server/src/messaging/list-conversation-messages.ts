import { defaultLimit, type Message, SottoError } from '@sotto/contract'
import {
  type ConversationRow,
  directKey,
  type Executor,
  isUuid,
  type MessageRow,
  store,
  type Viewer,
} from '@sotto/db'
import type { App } from '../app/app.ts'
import type { ActorContext, CallerContext } from '../app/context.ts'
import { everything, type Readable, requireReadable, requireUser, viewerOf } from '../auth/access.ts'
import { decodeCursor, encodeCursor } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toMessage } from '../views/messages.ts'
import { noteDelivered } from './note-delivered.ts'

interface MessagePage {
  items: Message[]
  nextCursor: string | null
}

export interface Paging {
  before?: number | undefined
  after?: number | undefined
  since?: Date | undefined
  limit?: number | undefined
  cursor?: string | undefined
  page?: number | undefined
  pageSize?: number | undefined
}

export async function listMessagesOfConversation(
  ctx: CallerContext,
  input: InputOf<'conversations', 'messages'>,
): Promise<MessagePage> {
  const { conversationId } = input
  const viewer = viewerOf(ctx)
  const page = await plainPage(ctx, input, (db, range, order) => {
    if (!isUuid(conversationId)) return Promise.resolve([])
    return viewer === null
      ? store.messages.list(db, { ...range, viewer, conversationId }, order)
      : store.messages.listOfOnlyStay(db, { ...range, viewer, conversationId }, order)
  })
  return page ?? messagePageOf(ctx, await requireReadable(ctx, conversationId), input)
}

export async function listDirectMessages(
  ctx: ActorContext,
  input: InputOf<'direct', 'messages'>,
): Promise<MessagePage> {
  const { actor } = ctx
  const other = await requireUser(ctx, input.user, 'user')
  const key = directKey(actor.id, other.id)
  const page = await plainPage(ctx, input, (db, range, order) =>
    store.messages.listDirect(db, { ...range, viewer: actor.id, key }, order),
  )
  return (
    page ?? messagePageOf(ctx, fullyReadable(await store.conversations.findDirect(ctx.app.db, key)), input)
  )
}

type Range = Pick<Window, 'above' | 'below' | 'limit'>

/**
 * A page that `list` reads in one statement, together with the check of access; undefined if the page depends on more,
 * or is empty, which can have several reasons. Not used with a replica, which does not check access.
 */
async function plainPage(
  ctx: CallerContext,
  paging: Paging,
  list: (db: Executor, range: Range, order: Window['order']) => Promise<MessageRow[]>,
): Promise<MessagePage | undefined> {
  if (paging.page !== undefined || paging.since !== undefined || ctx.app.hasReplica) return undefined
  const window = toValidWindow(paging)
  if (!window) return undefined
  const { order, ...range } = window
  const rows = await ctx.app.read((db) => list(db, { ...range, limit: range.limit + 1 }, order))
  if (rows.length === 0) return undefined
  return toPage(rows, viewerOf(ctx), window, (shown) => noteDelivered(ctx, shown))
}

/** Undefined if the cursor is invalid, which is an error only once access has been checked. */
function toValidWindow(paging: Paging): Window | undefined {
  try {
    return toWindow(paging, [])
  } catch (error) {
    if (error instanceof SottoError) return undefined
    throw error
  }
}

/** @param rows up to one more than the window's limit. */
function toPage(
  rows: readonly MessageRow[],
  viewer: Viewer,
  { order, limit }: Window,
  onRead?: (rows: readonly MessageRow[]) => void,
): MessagePage {
  const page = pageOf(rows, limit, (last) =>
    encodeCursor('conversation', [order === 'newest first' ? 'older' : 'newer', last.seq]),
  )
  onRead?.(page.rows)
  return { items: page.rows.map((row) => toMessage(row, viewer)), nextCursor: page.nextCursor }
}

/** Makes the entire conversation readable: for direct conversations, which no one leaves, and for bare service keys. */
export function fullyReadable(conversation: ConversationRow | undefined): Readable | undefined {
  return conversation && { conversation, spans: everything }
}

/** The part of a conversation that a page covers. */
interface Window {
  order: 'newest first' | 'oldest first'
  /** seq > above */
  above: number
  /** seq < below */
  below: number
  limit: number
}

/**
 * A page of the messages that the caller can read; empty if the conversation does not exist yet. Marks the messages as
 * delivered to the actor.
 */
export function messagePageOf(
  ctx: CallerContext,
  readable: Readable | undefined,
  paging: Paging,
): Promise<MessagePage> {
  return messagePageFor(ctx.app, viewerOf(ctx), readable, paging, (rows) => noteDelivered(ctx, rows))
}

/**
 * A page of a conversation as a user or a bare service key (null) sees it.
 *
 * seq has no gaps, so page n is a range of seq, and all pages cost the same.
 */
export async function messagePageFor(
  app: Pick<App, 'read'>,
  viewer: Viewer,
  readable: Readable | undefined,
  paging: Paging,
  onRead?: (rows: readonly MessageRow[]) => void,
): Promise<MessagePage> {
  const spans = closedSpans(readable)
  const window = toWindow(paging, spans)
  if (!readable || window.limit === 0) return { items: [], nextCursor: null }
  const { limit } = window
  const { id } = readable.conversation
  const rows = await app.read(async (db) => {
    const first = paging.since ? await store.messages.findFirstSeqSince(db, id, paging.since) : 1
    if (first === undefined) return []
    const above = Math.max(window.above, first - 1)
    return readWindow(db, viewer, id, spans, { ...window, above, limit: limit + 1 })
  })
  return toPage(rows, viewer, window, onRead)
}

/** after < seq <= until */
interface ClosedSpan {
  after: number
  until: number
}

/** The spans that contain messages, the last one up to the last message. */
function closedSpans(readable: Readable | undefined): ClosedSpan[] {
  if (!readable) return []
  const { last_seq: lastSeq } = readable.conversation
  return readable.spans
    .map(({ after, until = lastSeq }) => ({ after, until }))
    .filter(({ after, until }) => until > after)
}

/** Reads one span after another, in page order, until the page is full. Almost all users have one span. */
async function readWindow(
  db: Executor,
  viewer: Viewer,
  conversationId: string,
  spans: readonly ClosedSpan[],
  { order, above, below, limit }: Window,
): Promise<MessageRow[]> {
  const rows: MessageRow[] = []
  for (const { after, until } of order === 'newest first' ? spans.toReversed() : spans) {
    if (rows.length >= limit) break
    const range = {
      viewer,
      conversationId,
      above: Math.max(above, after),
      below: Math.min(below, until + 1),
      limit: limit - rows.length,
    }
    if (range.below - range.above > 1) {
      rows.push(...(await store.messages.list(db, range, order)))
    }
  }
  return rows
}

/** The seq of the n-th newest message in the spans, from 0; 0 when there are fewer. */
function nthNewest(spans: readonly ClosedSpan[], n: number): number {
  let remaining = n
  for (const { after, until } of spans.toReversed()) {
    if (remaining < until - after) return until - remaining
    remaining -= until - after
  }
  return 0
}

function toWindow(paging: Paging, spans: readonly ClosedSpan[]): Window {
  const below = paging.before ?? Number.MAX_SAFE_INTEGER
  const above = paging.after ?? 0
  if (paging.page !== undefined) {
    const size = paging.pageSize ?? defaultLimit
    const newest = nthNewest(spans, (paging.page - 1) * size)
    // There are no messages after the last page.
    return { order: 'newest first', above: 0, below: newest + 1, limit: newest > 0 ? size : 0 }
  }
  const limit = paging.limit ?? defaultLimit
  const isForward = paging.after !== undefined || paging.since !== undefined
  if (paging.cursor === undefined) {
    return { order: isForward ? 'oldest first' : 'newest first', above, below, limit }
  }
  const [direction, seq] = decodeCursor('conversation', paging.cursor)
  if (direction === 'older') {
    // The cursor is from a list with the opposite order.
    if (isForward) throw new SottoError('INVALID_CURSOR')
    return { order: 'newest first', above, below: Math.min(below, seq), limit }
  }
  return { order: 'oldest first', above: Math.max(above, seq), below, limit }
}
