import { createHash } from 'node:crypto'
import {
  type Contract,
  invalidInput,
  kindOf,
  type Message,
  type MessageKind,
  SottoError,
} from '@sotto/contract'
import {
  addMessage,
  appendEvent,
  type ConversationRow,
  directKey,
  type Executor,
  findByClientMessageId,
  findConversation,
  findDirectWithStanding,
  findMessage,
  findStanding,
  insertConversation,
  insertParticipants,
  lockConversation,
  lockKeyOf,
  type Standing,
  toMessage,
} from '@sotto/db'
import type { z } from 'zod'
import { requireConversationOf, requireSender, requireUser } from '../access.ts'
import type { Actor, Context } from '../context.ts'
import { requireReach } from '../people/reach.ts'
import { sourceOf } from './video-source.ts'

type Input = z.output<Contract['messages']['send']['input']>

/**
 * Sends a message. The first one to a user makes the conversation.
 *
 * One transaction holds the conversation's turn: number, message, counters and event commit together.
 */
export async function sendMessage(ctx: Context, input: Input): Promise<Message> {
  const sender = await requireSender(ctx, input.from)
  const content = toContent(ctx, input)
  const target = await toTarget(ctx, sender, input)

  const sent = await ctx.app.write(async (trx) => {
    await lockConversation(trx, target.lockKey)
    const existing = await findTarget(trx, sender, target)
    // What was sent before a block was sent, and is told to whoever repeats it.
    if (existing && input.clientMessageId !== undefined) {
      const earlier = await findEarlier(trx, existing.id, sender, input.clientMessageId, content)
      if (earlier) return { earlier }
    }
    if (target.recipientId !== null) {
      requireReach(ctx.app, existing?.standing ?? (await findStanding(trx, sender.id, target.recipientId)))
    }
    const conversation = existing ?? (await openDirect(ctx, trx, sender, target))
    const at = new Date(Math.max(ctx.app.now().getTime(), conversation.updated_at.getTime()))
    const message = {
      id: ctx.app.newId(),
      conversationId: conversation.id,
      senderId: sender.id,
      recipientId: target.recipientId,
      kind: content.kind,
      text: content.text,
      media: content.media && JSON.stringify(content.media),
      clientMessageId: input.clientMessageId ?? null,
      contentHash: input.clientMessageId === undefined ? null : hashContent(content),
      at,
    }
    const seq = await addMessage(trx, message)
    // Removed since it was looked up.
    if (seq === undefined) throw new SottoError('CONVERSATION_NOT_FOUND')
    return { message: { ...message, seq } }
  })

  if (!sent.message) {
    ctx.outcome.repeated = true
    return earlierMessage(ctx, sent.earlier, sender)
  }
  ctx.app.metrics.sent()
  return toMessage(
    {
      id: sent.message.id,
      conversation_id: sent.message.conversationId,
      seq: sent.message.seq,
      sender_id: sender.id,
      sender: sender.username,
      recipient_id: sent.message.recipientId,
      kind: sent.message.kind,
      text: sent.message.text,
      media: sent.message.media,
      client_message_id: sent.message.clientMessageId,
      content_hash: sent.message.contentHash,
      created_at: sent.message.at,
      edited_at: null,
      deleted_at: null,
      delivered_at: null,
      read_at: null,
      reactions: null,
      my_emojis: null,
    },
    sender.id,
  )
}

interface Content {
  kind: MessageKind
  text: string | null
  media: Message['image'] | Message['video']
}

function toContent(ctx: Context, input: Input): Content {
  if (input.text !== undefined) requireTextLength(ctx, input.text)
  return {
    kind: kindOf(input),
    text: input.text ?? null,
    media: toImage(input.image) ?? toVideo(input.video),
  }
}

/** Counts code points, as people who set the limit do. */
export function requireTextLength(ctx: Context, text: string): void {
  const { maxTextLength } = ctx.app
  // No text has more code points than code units.
  if (text.length > maxTextLength && [...text].length > maxTextLength) {
    throw invalidInput('text', `takes at most ${maxTextLength} characters`)
  }
}

function toImage(image: Input['image']): Message['image'] {
  if (!image) return null
  return { url: image.url, width: image.width ?? null, height: image.height ?? null, alt: image.alt ?? null }
}

function toVideo(video: Input['video']): Message['video'] {
  if (!video) return null
  return {
    url: video.url,
    source: video.source ?? sourceOf(video.url),
    durationSeconds: video.durationSeconds ?? null,
    width: video.width ?? null,
    height: video.height ?? null,
  }
}

function hashContent(content: Content): string {
  return createHash('sha256')
    .update(JSON.stringify([content.kind, content.text, content.media]))
    .digest('base64url')
}

/** Where a message goes. A direct conversation has its lock key before it exists. */
interface Target {
  lockKey: string
  /** Unset when a first message to the recipient may still have to make the conversation. */
  conversationId: string | undefined
  recipientId: string | null
}

async function toTarget(ctx: Context, sender: Actor, input: Input): Promise<Target> {
  if (input.to !== undefined) {
    const recipient = await requireUser(ctx, input.to, 'to')
    return {
      lockKey: directKey(sender.id, recipient.id),
      conversationId: undefined,
      recipientId: recipient.id,
    }
  }
  // The contract asks for one of the two. The sender must be in it, also when a bare key names them.
  const conversation = await requireConversationOf(ctx, input.conversationId ?? '', sender.id)
  const recipientId = conversation.direct_key && otherOf(conversation.direct_key, sender.id)
  // Nobody may be there any more: a conversation outlives its users.
  if (recipientId !== null) await requireUser(ctx, recipientId, 'conversationId')
  return { lockKey: lockKeyOf(conversation), conversationId: conversation.id, recipientId }
}

/** The other user of a direct conversation; oneself in notes to self. */
function otherOf(key: string, userId: string): string {
  const [a = userId, b = userId] = key.split(':')
  return a === userId ? b : a
}

/** The conversation as it stands in its turn; undefined before the first direct message. */
async function findTarget(
  trx: Executor,
  sender: Actor,
  target: Target,
): Promise<(ConversationRow & { standing?: Standing }) | undefined> {
  return target.recipientId === null
    ? findConversation(trx, target.conversationId ?? '')
    : findDirectWithStanding(trx, sender.id, target.recipientId)
}

async function openDirect(
  ctx: Context,
  trx: Executor,
  sender: Actor,
  target: Target,
): Promise<Pick<ConversationRow, 'id' | 'updated_at'>> {
  if (!target.recipientId || target.conversationId) throw new SottoError('CONVERSATION_NOT_FOUND')

  const id = ctx.app.newId()
  const at = ctx.app.now()
  const userIds = [...new Set([sender.id, target.recipientId])]
  await insertConversation(trx, {
    id,
    directKey: target.lockKey,
    name: null,
    participantCount: userIds.length,
    at,
  })
  await insertParticipants(
    trx,
    userIds.map((userId) => ({ userId, role: 'member' })),
    { conversationId: id, at, afterSeq: 0, firstEventId: 0, activeAt: at },
  )
  await appendEvent(trx, { type: 'conversation.created', conversationId: id, userId: sender.id, seq: 0, at })
  return { id, updated_at: at }
}

/** The id of the message that an earlier send of the same made. */
async function findEarlier(
  trx: Executor,
  conversationId: string,
  sender: Actor,
  clientMessageId: string,
  content: Content,
): Promise<string | undefined> {
  const earlier = await findByClientMessageId(trx, { conversationId, senderId: sender.id, clientMessageId })
  if (!earlier) return undefined
  if (earlier.content_hash !== hashContent(content)) throw new SottoError('IDEMPOTENCY_CONFLICT')
  return earlier.id
}

async function earlierMessage(ctx: Context, id: string, sender: Actor): Promise<Message> {
  const row = await findMessage(ctx.app.db, id, sender.id)
  if (!row) throw new Error(`message ${id} is gone`)
  return toMessage(row, sender.id)
}
