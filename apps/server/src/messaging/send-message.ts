import { invalidInput, kindOf, type Message, SottoError } from '@sotto/contract'
import { directKey, isUuid, lockKeyOf, store } from '@sotto/db'
import type { ActorContext, CallerContext } from '../app/context.ts'
import { requireConversationOf, requireSender, requireUser } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toMessage } from '../views/messages.ts'
import { sourceOf } from './video-source.ts'
import { type Content, type Draft, hashContent } from './write-messages.ts'

type Input = InputOf<'messages', 'send'>

/** Sends a message. The first one to a user creates the conversation. */
export async function sendMessage(ctx: CallerContext, input: Input): Promise<Message> {
  const sender = await requireSender(ctx, input.from)
  const content = toContent(ctx, input)
  const { clientMessageId } = input
  let target: Target
  try {
    target = await toTarget(ctx, sender, input)
  } catch (error) {
    // The message may be there although the sender has been removed or the recipient erased since.
    const earlier = await findEarlier(ctx, sender, input, content)
    if (earlier === undefined) throw error
    return earlierMessage(ctx, earlier, sender)
  }
  const sent = await ctx.app.sends.send({ sender, content, clientMessageId, ...target })

  if (!sent.message) return earlierMessage(ctx, sent.earlier, sender)
  ctx.app.metrics.messageSent()
  if (sent.message.seq === 1) {
    const { conversation_id: conversationId, recipient_id: recipientId } = sent.message
    ctx.app.emitBusinessEvent('conversation.started', {
      conversationId,
      kind: recipientId === null ? 'group' : 'direct',
    })
  }
  return toMessage(sent.message, sender.id)
}

/** Sends a message to a user, as `sendMessage` does with `to`. */
export function sendDirectMessage(
  ctx: ActorContext,
  { user, ...content }: InputOf<'direct', 'send'>,
): Promise<Message> {
  return sendMessage(ctx, { to: user, ...content })
}

function toContent(ctx: CallerContext, input: Input): Content {
  if (input.text !== undefined) requireTextLength(ctx, input.text)
  return {
    kind: kindOf(input),
    text: input.text ?? null,
    media: toImage(input.image) ?? toVideo(input.video),
  }
}

/** The limit is in code points. */
export function requireTextLength(ctx: CallerContext, text: string): void {
  const { maxTextLength } = ctx.app
  // Counting code points is only needed if the code units exceed the limit: there are never fewer of them.
  if (text.length > maxTextLength && [...text].length > maxTextLength) {
    throw invalidInput('text', `must be at most ${maxTextLength} characters`)
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

type Target = Pick<Draft, 'lockKey' | 'conversationId' | 'recipientId'>

async function toTarget(ctx: CallerContext, sender: Actor, input: Input): Promise<Target> {
  if (input.to !== undefined) {
    const recipient = await requireUser(ctx, input.to, 'to')
    return {
      lockKey: directKey(sender.id, recipient.id),
      conversationId: null,
      recipientId: recipient.id,
    }
  }
  // The contract requires `to` or `conversationId`. The sender must be a participant, even if a bare key names them.
  const conversation = await requireConversationOf(ctx, input.conversationId ?? '', sender.id)
  const recipientId = conversation.direct_key && otherOf(conversation.direct_key, sender.id)
  // The other user may have been erased; the conversation remains.
  if (recipientId !== null) await requireUser(ctx, recipientId, 'conversationId')
  return { lockKey: lockKeyOf(conversation), conversationId: conversation.id, recipientId }
}

/** The other user of a direct conversation; the same user in notes to self. */
function otherOf(key: string, userId: string): string {
  const [a = userId, b = userId] = key.split(':')
  return a === userId ? b : a
}

/**
 * The id of the message that an earlier send to this target has created.
 *
 * @throws {SottoError} IDEMPOTENCY_CONFLICT if its content differs.
 */
async function findEarlier(
  ctx: CallerContext,
  sender: Actor,
  { to, conversationId, clientMessageId }: Input,
  content: Content,
): Promise<string | undefined> {
  if (clientMessageId === undefined) return undefined
  const { db } = ctx.app
  const contentHash = hashContent(content)
  if (to !== undefined && !isUuid(to)) {
    const found = await store.messages.findSentToErased(db, sender.id, clientMessageId)
    return found.find((message) => message.content_hash === contentHash)?.id
  }
  const conversation =
    to === undefined
      ? await store.conversations.find(db, conversationId ?? '')
      : await store.conversations.findDirect(db, directKey(sender.id, to))
  const key = conversation && { conversationId: conversation.id, senderId: sender.id, clientMessageId }
  const earlier = key && (await store.messages.findByClientMessageId(db, key))
  if (earlier && earlier.content_hash !== contentHash) throw new SottoError('IDEMPOTENCY_CONFLICT')
  return earlier?.id
}

/** The answer to a repeated send. */
async function earlierMessage(ctx: CallerContext, id: string, sender: Actor): Promise<Message> {
  ctx.outcome.repeated = true
  const row = await store.messages.find(ctx.app.db, id, sender.id)
  if (!row) throw new Error(`message ${id} not found`)
  return toMessage(row, sender.id)
}
