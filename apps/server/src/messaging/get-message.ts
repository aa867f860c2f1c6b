import type { Contract, Message } from '@sotto/contract'
import { toMessage } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { actorOf, requireMessage, viewerOf } from '../auth/access.ts'

export async function getMessage(
  ctx: Context,
  input: z.output<Contract['messages']['get']['input']>,
): Promise<Message> {
  const row = await requireMessage(ctx, input.messageId)
  const actor = actorOf(ctx)
  if (actor) ctx.app.deliveryMarks.note(actor.id, [row])
  return toMessage(row, viewerOf(ctx))
}
