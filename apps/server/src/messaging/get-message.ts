import type { Message } from '@sotto/contract'
import type { CallerContext } from '../app/context.ts'
import { requireMessage, viewerOf } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toMessage } from '../views/messages.ts'

export async function getMessage(ctx: CallerContext, input: InputOf<'messages', 'get'>): Promise<Message> {
  const row = await requireMessage(ctx, input.messageId)
  const actor = ctx.actor
  if (actor) ctx.app.deliveryMarks.note(actor.id, [row])
  return toMessage(row, viewerOf(ctx))
}
