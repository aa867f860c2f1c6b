import { type Contract, defaultLimit, type Message, SottoError } from '@sotto/contract'
import {
  type ConversationRow,
  directKey,
  findDirectConversation,
  listConversationMessages,
  toMessage,
} from '@sotto/db'
import type { z } from 'zod'
import { actorOf, requireActor, requireConversation, requireUser, viewerOf } from '../access.ts'
import type { Context } from '../context.ts'
import { decodeCursor, encodeCursor } from '../cursors.ts'

interface MessagePage {
  items: Message[]
  nextCursor: string | null
}

export interface Paging {
  before?: number | undefined
  after?: number | undefined
  limit?: number | undefined
  cursor?: string | undefined
  page?: number | undefined
  pageSize?: number | undefined
}

export async function listMessagesOfConversation(
  ctx: Context,
  input: z.output<Contract['conversations']['messages']['input']>,
): Promise<MessagePage> {
  const conversation = await requireConversation(ctx, input.conversationId)
  return pageOf(ctx, conversation, input)
}

export async function listDirectMessages(
  ctx: Context,
  input: z.output<Contract['direct']['messages']['input']>,
): Promise<MessagePage> {
  const actor = requireActor(ctx)
  const other = await requireUser(ctx, input.user, 'user')
  const conversation = await findDirectConversation(ctx.app.db, directKey(actor.id, other.id))
  return pageOf(ctx, conversation, input)
}

interface Span {
  order: 'newest first' | 'oldest first'
  /** seq > above */
  above: number
  /** seq < below */
  below: number
  limit: number
}

/**
 * One page of a conversation that the caller may read; an empty one while it does not exist.
 *
 * Numbers have no gaps, so page n is a range of them, and any page costs what the first one costs.
 */
export async function pageOf(
  ctx: Context,
  conversation: ConversationRow | undefined,
  paging: Paging,
): Promise<MessagePage> {
  const span = toSpan(paging, conversation?.last_seq ?? 0)
  if (!conversation || span.limit === 0) return { items: [], nextCursor: null }
  const { order, above, below, limit } = span
  const viewer = viewerOf(ctx)
  const rows = await listConversationMessages(
    ctx.app.db,
    { viewer, conversationId: conversation.id, above, below, limit: limit + 1 },
    order,
  )
  const page = rows.length > limit ? rows.slice(0, limit) : rows
  const actor = actorOf(ctx)
  if (actor) ctx.app.deliveryMarks.note(actor.id, page)
  const last = page.at(-1)
  return {
    items: page.map((row) => toMessage(row, viewer)),
    nextCursor:
      last && rows.length > limit
        ? encodeCursor('conversation', [order === 'newest first' ? 'older' : 'newer', last.seq])
        : null,
  }
}

function toSpan(paging: Paging, lastSeq: number): Span {
  const below = paging.before ?? Number.MAX_SAFE_INTEGER
  const above = paging.after ?? 0
  if (paging.page !== undefined) {
    const size = paging.pageSize ?? defaultLimit
    const newest = lastSeq - (paging.page - 1) * size
    // Past the last page there is nothing to ask for.
    return { order: 'newest first', above: 0, below: newest + 1, limit: newest > 0 ? size : 0 }
  }
  const limit = paging.limit ?? defaultLimit
  if (paging.cursor === undefined) {
    return { order: paging.after === undefined ? 'newest first' : 'oldest first', above, below, limit }
  }
  const [direction, seq] = decodeCursor('conversation', paging.cursor)
  if (direction === 'older') {
    // With `after` the order is oldest first, which is not the order that this cursor came from.
    if (paging.after !== undefined) throw new SottoError('INVALID_CURSOR')
    return { order: 'newest first', above, below: Math.min(below, seq), limit }
  }
  return { order: 'oldest first', above: Math.max(above, seq), below, limit }
}
