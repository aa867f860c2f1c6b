import type { Message } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toMessage } from '../views/messages.ts'
import { changeMessage, requireOwn } from './change-message.ts'

/** Leaves a tombstone. Idempotent. */
export async function deleteMessage(
  ctx: ActorContext,
  input: InputOf<'messages', 'delete'>,
): Promise<Message> {
  const { actor } = ctx
  const row = await changeMessage(ctx, input.messageId, actor.id, async (trx, message, appendEvent, at) => {
    requireOwn(message, actor.id)
    if (message.deleted_at !== null) return
    await store.messages.eraseContent(trx, message.id, at)
    await store.participants.noteDeleted(trx, {
      conversationId: message.conversation_id,
      senderId: actor.id,
      seq: message.seq,
    })
    await appendEvent('message.deleted')
  })
  return toMessage(row, actor.id)
}
