import { type LogType, SottoError } from '@sotto/contract'
import { type EventTransaction, type Executor, lockKeyOf, type MessageRow, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { requireMessageToChange } from '../auth/access.ts'
import { requireReach } from '../people/reach.ts'

/** Appends an event for the participants of the conversation. @returns the event's id. */
export type AppendEvent = (type: LogType, detail?: string) => Promise<number>

/**
 * Changes a message under its conversation lock and returns the changed message.
 *
 * The message is read again under the lock, so `change` sees all earlier changes.
 */
export async function changeMessage(
  ctx: CallerContext,
  messageId: string,
  actorId: string,
  change: (trx: EventTransaction, message: MessageRow, appendEvent: AppendEvent, at: Date) => Promise<void>,
): Promise<MessageRow> {
  const before = await requireMessageToChange(ctx, messageId, ctx.app.db)
  const conversation = await store.conversations.find(ctx.app.db, before.conversation_id)
  if (!conversation) throw new SottoError('MESSAGE_NOT_FOUND')
  return ctx.app.write(async (trx) => {
    await store.conversations.lock(trx, lockKeyOf(conversation))
    const message = await requireMessageToChange(ctx, messageId, trx)
    const at = ctx.app.now()
    const appendEvent: AppendEvent = (type, detail) =>
      store.events.append(trx, {
        type,
        conversationId: message.conversation_id,
        userId: actorId,
        messageId: message.id,
        seq: message.seq,
        ...(detail !== undefined && { detail }),
        at,
      })
    await change(trx, message, appendEvent, at)
    return requireMessageToChange(ctx, messageId, trx)
  })
}

/**
 * Only the sender can change a message.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireOwn(message: MessageRow, actorId: string): void {
  if (message.sender_id !== actorId)
    throw new SottoError('FORBIDDEN', { detail: 'only the sender can do this' })
}

/** @throws {SottoError} MESSAGE_DELETED */
export function requireNotDeleted(message: MessageRow): void {
  if (message.deleted_at !== null) throw new SottoError('MESSAGE_DELETED')
}

/**
 * In a direct conversation, the rules for sending also apply to what changes a message: an edit or a reaction. Everyone
 * can still take back what they sent.
 *
 * @throws {SottoError} FORBIDDEN
 */
export async function requireReachOfOther(
  ctx: CallerContext,
  trx: Executor,
  { sender_id: senderId, recipient_id: recipientId }: MessageRow,
  userId: string,
): Promise<void> {
  if (recipientId === null) return
  const otherId = senderId === userId ? recipientId : senderId
  requireReach(ctx.app, await store.relationships.find(trx, userId, otherId))
}
