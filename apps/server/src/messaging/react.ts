import { invalidInput, type Message } from '@sotto/contract'
import { type EventTransaction, type MessageRow, parseReactions, type ReactionCounts, store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toMessage } from '../views/messages.ts'
import { changeMessage, requireNotDeleted, requireReachOfOther } from './change-message.ts'

/** The reaction that a like adds. */
const LIKE = '👍'
/** The maximum number of different reactions to a message, which bounds the size of responses. */
const MAX_EMOJIS = 100

/** Adds the actor's reaction. Idempotent. */
export async function react(
  ctx: ActorContext,
  { messageId, emoji }: InputOf<'messages', 'react'>,
): Promise<Message> {
  const { actor } = ctx
  const row = await changeMessage(ctx, messageId, actor.id, async (trx, message, appendEvent, at) => {
    requireNotDeleted(message)
    await requireReachOfOther(ctx, trx, message, actor.id)
    if (!(await store.reactions.insert(trx, { messageId: message.id, userId: actor.id, emoji }, at))) return
    const counts = parseReactions(message.reactions)
    const counted = counts.find(([known]) => known === emoji)
    if (!counted && counts.length >= MAX_EMOJIS) {
      throw invalidInput('emoji', `reaction limit reached (${MAX_EMOJIS} different emojis per message)`)
    }
    if (counted) counted[1]++
    else counts.push([emoji, 1])
    await store.reactions.updateCounts(trx, message.id, counts)
    await appendEvent('reaction.added', emoji)
  })
  return toMessage(row, actor.id)
}

/** Removes the actor's reaction. Idempotent. */
export async function unreact(
  ctx: ActorContext,
  { messageId, emoji }: InputOf<'messages', 'unreact'>,
): Promise<Message> {
  const { actor } = ctx
  const row = await changeMessage(ctx, messageId, actor.id, async (trx, message, _appendEvent, at) => {
    requireNotDeleted(message)
    if (!(await store.reactions.remove(trx, { messageId: message.id, userId: actor.id, emoji }))) return
    await recordRemovedReaction(trx, message, { userId: actor.id, emoji, at })
  })
  return toMessage(row, actor.id)
}

export function likeMessage(ctx: ActorContext, { messageId }: InputOf<'messages', 'like'>): Promise<Message> {
  return react(ctx, { messageId, emoji: LIKE })
}

export function unlikeMessage(
  ctx: ActorContext,
  { messageId }: InputOf<'messages', 'unlike'>,
): Promise<Message> {
  return unreact(ctx, { messageId, emoji: LIKE })
}

/** Decrements the count of a removed reaction and appends the event. Requires the conversation lock. */
export async function recordRemovedReaction(
  trx: EventTransaction,
  message: Pick<MessageRow, 'id' | 'conversation_id' | 'seq' | 'reactions'>,
  { userId, emoji, at }: { userId: string; emoji: string; at: Date },
): Promise<void> {
  const counts: ReactionCounts = parseReactions(message.reactions).map(([known, count]) => [
    known,
    known === emoji ? count - 1 : count,
  ])
  await store.reactions.updateCounts(
    trx,
    message.id,
    counts.filter(([, count]) => count > 0),
  )
  await store.events.append(trx, {
    type: 'reaction.removed',
    conversationId: message.conversation_id,
    userId,
    messageId: message.id,
    seq: message.seq,
    detail: emoji,
    at,
  })
}
