import type { Contract, Message } from '@sotto/contract'
import { toMessage } from '@sotto/db'
import type { z } from 'zod'
import { actorOf, requireMessage, viewerOf } from '../access.ts'
import type { Context } from '../context.ts'

export async function getMessage(
  ctx: Context,
  input: z.output<Contract['messages']['get']['input']>,
): Promise<Message> {
  const row = await requireMessage(ctx, input.messageId)
  const actor = actorOf(ctx)
  if (actor) ctx.app.deliveryMarks.note(actor.id, [row])
  return toMessage(row, viewerOf(ctx))
}
