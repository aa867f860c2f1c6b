import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireConversation } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'

/**
 * Tells the others of a conversation that one types, or no longer does; but not those with whom a block stands.
 */
export async function setTyping(ctx: ActorContext, input: InputOf<'conversations', 'typing'>): Promise<void> {
  const { actor } = ctx
  const { id: conversationId } = await requireConversation(ctx, input.conversationId)
  const others = (await store.participants.findIds(ctx.app.db, conversationId)).filter(
    (id) => id !== actor.id,
  )
  const blocks = await store.blocks.findBetween(ctx.app.db, actor.id, others)
  const toUserIds = others.filter((id) => !blocks.has(id))
  const typist = { conversationId, userId: actor.id, toUserIds }
  if (input.typing) ctx.app.typing.start(typist)
  else ctx.app.typing.stop(typist)
}
