import { invalidInput, type Message } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toMessage } from '../views/messages.ts'
import { changeMessage, requireNotDeleted, requireOwn, requireReachOfOther } from './change-message.ts'
import { requireTextLength } from './send-message.ts'

/**
 * The maximum number of edits of a message. All earlier texts are kept: if the oldest were dropped, senders could make
 * the original disappear.
 */
const MAX_EDITS = 100

/** Replaces the text and keeps the previous one. Setting the same text has no effect. */
export async function editMessage(ctx: ActorContext, input: InputOf<'messages', 'edit'>): Promise<Message> {
  const { actor } = ctx
  requireTextLength(ctx, input.text)
  const row = await changeMessage(ctx, input.messageId, actor.id, async (trx, message, appendEvent, at) => {
    requireOwn(message, actor.id)
    requireNotDeleted(message)
    await requireReachOfOther(ctx, trx, message, actor.id)
    if (message.text === input.text) return
    const eventId = await appendEvent('message.edited')
    const edits = await store.messages.updateText(trx, message, input.text, { eventId, at })
    if (edits > MAX_EDITS) {
      throw invalidInput('messageId', `edit limit reached (${MAX_EDITS} edits per message)`)
    }
  })
  return toMessage(row, actor.id)
}
