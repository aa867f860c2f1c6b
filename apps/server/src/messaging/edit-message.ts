import type { Contract, Message } from '@sotto/contract'
import { toMessage, updateText } from '@sotto/db'
import type { z } from 'zod'
import { requireActor } from '../access.ts'
import type { Context } from '../context.ts'
import { changeMessage, requireNotDeleted, requireOwn } from './change-message.ts'
import { requireTextLength } from './send-message.ts'

/** Sets the text. What it was is kept; setting what it is already changes nothing. */
export async function editMessage(
  ctx: Context,
  input: z.output<Contract['messages']['edit']['input']>,
): Promise<Message> {
  const actor = requireActor(ctx)
  requireTextLength(ctx, input.text)
  const row = await changeMessage(ctx, input.messageId, actor.id, async (trx, message, tell, at) => {
    requireOwn(message, actor.id)
    requireNotDeleted(message)
    if (message.text === input.text) return
    await updateText(trx, message, input.text, at)
    await tell('message.edited')
  })
  return toMessage(row, actor.id)
}
