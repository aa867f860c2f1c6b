import { type Conversation, SottoError } from '@sotto/contract'
import { type ConversationRow, directKey, store } from '@sotto/db'
import type { ActorContext, CallerContext } from '../app/context.ts'
import { requireConversation, requireUser, viewerOf } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { noteDelivered } from './note-delivered.ts'
import { showConversation } from './show-conversations.ts'

export async function getConversation(
  ctx: CallerContext,
  input: InputOf<'conversations', 'get'>,
): Promise<Conversation> {
  return show(ctx, await requireConversation(ctx, input.conversationId))
}

export async function getDirectConversation(
  ctx: ActorContext,
  input: InputOf<'direct', 'get'>,
): Promise<Conversation> {
  const { actor } = ctx
  const other = await requireUser(ctx, input.user, 'user')
  const conversation = await store.conversations.findDirect(ctx.app.db, directKey(actor.id, other.id))
  if (!conversation) throw new SottoError('CONVERSATION_NOT_FOUND')
  return show(ctx, conversation)
}

async function show(ctx: CallerContext, conversation: ConversationRow): Promise<Conversation> {
  const shown = await showConversation(ctx.app.db, conversation, viewerOf(ctx), (rows) =>
    noteDelivered(ctx, rows),
  )
  if (!shown) throw new SottoError('CONVERSATION_NOT_FOUND')
  return shown
}
