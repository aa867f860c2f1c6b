import type { Message } from '@sotto/contract'
import type { CallerContext } from '../app/context.ts'
import { requireMessage, viewerOf } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toMessage } from '../views/messages.ts'
import { noteDeliveredSingly } from './note-delivered.ts'

export async function getMessage(ctx: CallerContext, input: InputOf<'messages', 'get'>): Promise<Message> {
  const row = await requireMessage(ctx, input.messageId)
  noteDeliveredSingly(ctx, [row])
  return toMessage(row, viewerOf(ctx))
}
