import { type Contract, type Conversation, SottoError } from '@sotto/contract'
import { type ConversationRow, directKey, findDirectConversation, findParticipant } from '@sotto/db'
import type { z } from 'zod'
import { requireActor, requireConversation, requireUser, viewerOf } from '../access.ts'
import type { Context } from '../context.ts'
import { showConversations } from './show-conversations.ts'

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
  const viewer = viewerOf(ctx)
  const mine = viewer === null ? undefined : await findParticipant(ctx.app.db, conversation.id, viewer)
  const row = { ...conversation, read_seq: mine?.read_seq ?? 0, unread_count: mine?.unread_count ?? 0 }
  const [shown] = await showConversations(ctx, [row], viewer)
  if (!shown) throw new SottoError('CONVERSATION_NOT_FOUND')
  return shown
}
