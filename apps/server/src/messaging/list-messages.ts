import { defaultLimit, type Message, SottoError } from '@sotto/contract'
import { directKey, type Source, type StaySource, store, type TimelinePosition } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { requireUser, viewerOf } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import { decodeCursor, encodeCursor } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toMessage } from '../views/messages.ts'
import { fullyReadable, messagePageOf } from './list-conversation-messages.ts'
import { noteDelivered, noteDeliveredSingly } from './note-delivered.ts'

type Input = InputOf<'messages', 'list'>

/** Messages across the actor's conversations, or all messages for a bare service key, newest first. */
export async function listMessages(
  ctx: CallerContext,
  input: Input,
): Promise<{ items: Message[]; nextCursor: string | null }> {
  const users = await resolveUsers(ctx, input)
  if (users.between && !hasFilter(input)) {
    const { a, b } = users.between
    return messagePageOf(
      ctx,
      fullyReadable(await store.conversations.findDirect(ctx.app.db, directKey(a.id, b.id))),
      input,
    )
  }
  const sources = await toSources(ctx, users, input.isRead)
  const isOneConversation = sources.some((source) => source.by === 'conversation')
  const kind = isOneConversation ? 'conversation-timeline' : 'timeline'
  const before = input.cursor === undefined ? undefined : toPosition(decodeCursor(kind, input.cursor))
  if (sources.length === 0) return { items: [], nextCursor: null }

  const viewer = viewerOf(ctx)
  const { page, messages } = await ctx.app.read(async (db) => {
    const filter = { ...input, viewer }
    const page = await store.timeline.list(db, sources, filter, before, input.limit ?? defaultLimit)
    return { page, messages: await store.messages.findMany(db, page.ids, viewer) }
  })
  const rows = new Map(messages.map((row) => [row.id, row]))
  // Leaves out messages that were removed between the two queries.
  const found = page.ids.flatMap((id) => rows.get(id) ?? [])
  // These filters leave out messages in between.
  const isSparse = input.kind !== undefined || users.sender !== undefined
  if (isSparse) noteDeliveredSingly(ctx, found)
  else noteDelivered(ctx, found)
  return { items: found.map((row) => toMessage(row, viewer)), nextCursor: toCursor(kind, page.next) }
}

function hasFilter(input: Input): boolean {
  return (
    input.isRead !== undefined ||
    input.kind !== undefined ||
    input.since !== undefined ||
    input.until !== undefined
  )
}

type CursorKind = 'timeline' | 'conversation-timeline'

function toPosition([at, seq, id]: [number, number, string]): TimelinePosition {
  return { at: new Date(at), seq, id }
}

function toCursor(kind: CursorKind, next: TimelinePosition | undefined): string | null {
  return next ? encodeCursor(kind, [next.at.getTime(), next.seq, next.id]) : null
}

/** The users in the input. */
interface InputUsers {
  between: { a: Actor; b: Actor } | undefined
  sender: Actor | undefined
  recipient: Actor | undefined
}

async function resolveUsers(ctx: CallerContext, input: Input): Promise<InputUsers> {
  const find = (ref: string | undefined, field: string) =>
    ref === undefined ? undefined : requireUser(ctx, ref, field)
  const a = await find(input.between?.[0], 'between')
  const b = await find(input.between?.[1], 'between')
  const actor = ctx.actor
  if (actor && a && b && actor.id !== a.id && actor.id !== b.id) {
    throw new SottoError('FORBIDDEN', { detail: 'between must include the acting user' })
  }
  return {
    between: a && b && { a, b },
    sender: await find(input.sender, 'sender'),
    recipient: await find(input.recipient, 'recipient'),
  }
}

/** The indexes that contain the matching messages; none if no message can match. */
async function toSources(
  ctx: CallerContext,
  { between, sender, recipient }: InputUsers,
  isRead: boolean | undefined,
): Promise<Source[]> {
  const actor = ctx.actor
  if (between) return conversationSource(ctx, between.a, between.b, undefined)
  if (sender && recipient) {
    if (actor && actor.id !== sender.id && actor.id !== recipient.id) return []
    return conversationSource(ctx, sender, recipient, sender)
  }
  if (!actor) {
    if (sender) return [{ by: 'sender', userId: sender.id }]
    if (recipient) return [{ by: 'recipient', userId: recipient.id }]
    return [{ by: 'all' }]
  }
  if (recipient && recipient.id !== actor.id) return conversationSource(ctx, actor, recipient, actor)
  if (recipient) return [{ by: 'recipient', userId: actor.id }]
  const sent: Source = { by: 'sender', userId: actor.id }
  if (sender?.id === actor.id) return [sent]
  // Group messages are neither read nor unread.
  const groups = isRead === undefined ? await store.timeline.findGroupStays(ctx.app.db, actor.id) : []
  if (sender) {
    const direct = await directStay(ctx, sender, actor)
    return [...direct, ...groups].map((source) => ({ ...source, senderId: sender.id }))
  }
  return [
    sent,
    // Excludes notes to self, which the sent messages already include.
    { by: 'recipient', userId: actor.id, exceptFrom: actor.id },
    ...groups.map((source) => ({ ...source, exceptFrom: actor.id })),
  ]
}

async function directStay(ctx: CallerContext, a: Actor, b: Actor): Promise<StaySource[]> {
  const conversation = await store.conversations.findDirect(ctx.app.db, directKey(a.id, b.id))
  if (!conversation) return []
  const spans = [{ after: 0, until: undefined }]
  return [{ by: 'stays', conversationId: conversation.id, spans, newestAt: conversation.updated_at }]
}

async function conversationSource(
  ctx: CallerContext,
  a: Actor,
  b: Actor,
  sender: Actor | undefined,
): Promise<Source[]> {
  const conversation = await store.conversations.findDirect(ctx.app.db, directKey(a.id, b.id))
  if (!conversation) return []
  return [{ by: 'conversation', conversationId: conversation.id, ...(sender && { senderId: sender.id }) }]
}
