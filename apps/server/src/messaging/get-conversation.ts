import { type Contract, type Conversation, SottoError } from '@sotto/contract'
import { type ConversationRow, directKey, findDirectConversation } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { requireActor, requireConversation, requireUser, viewerOf } from '../auth/access.ts'
import { showConversation } from './show-conversations.ts'

export async function getConversation(
  ctx: Context,
  input: z.output<Contract['conversations']['get']['input']>,
): Promise<Conversation> {
  return show(ctx, await requireConversation(ctx, input.conversationId))
}

export async function getDirectConversation(
  ctx: Context,
  input: z.output<Contract['direct']['get']['input']>,
): Promise<Conversation> {
  const actor = requireActor(ctx)
  const other = await requireUser(ctx, input.user, 'user')
  const conversation = await findDirectConversation(ctx.app.db, directKey(actor.id, other.id))
  if (!conversation) throw new SottoError('CONVERSATION_NOT_FOUND')
  return show(ctx, conversation)
}

async function show(ctx: Context, conversation: ConversationRow): Promise<Conversation> {
  const shown = await showConversation(ctx.app, conversation, viewerOf(ctx))
  if (!shown) throw new SottoError('CONVERSATION_NOT_FOUND')
  return shown
}
