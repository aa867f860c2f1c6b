import { invalidInput, type Message } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toMessage } from '../views/messages.ts'
import { changeMessage, requireNotDeleted, requireOwn } from './change-message.ts'
import { requireTextLength } from './send-message.ts'

/**
 * The maximum number of edits of a message. All earlier texts are kept: if the oldest were dropped instead, a sender
 * could edit the original away.
 */
const MAX_EDITS = 100

/** Sets the text and keeps the previous one. The same text changes nothing. */
export async function editMessage(ctx: ActorContext, input: InputOf<'messages', 'edit'>): Promise<Message> {
  const { actor } = ctx
  requireTextLength(ctx, input.text)
  const row = await changeMessage(ctx, input.messageId, actor.id, async (trx, message, appendEvent, at) => {
    requireOwn(message, actor.id)
    requireNotDeleted(message)
    if (message.text === input.text) return
    const edits = await store.messages.updateText(trx, message, input.text, at)
    if (edits > MAX_EDITS) {
      throw invalidInput('messageId', `edit limit reached (${MAX_EDITS} edits per message)`)
    }
    await appendEvent('message.edited')
  })
  return toMessage(row, actor.id)
}
