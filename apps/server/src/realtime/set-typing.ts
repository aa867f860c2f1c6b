import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireConversation } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'

/** Sends a typing signal to the other participants, unless a block exists between them and the actor. */
export async function setTyping(ctx: ActorContext, input: InputOf<'conversations', 'typing'>): Promise<void> {
  const { actor } = ctx
  const { id: conversationId } = await requireConversation(ctx, input.conversationId)
  const others = (await store.participants.findIds(ctx.app.db, conversationId)).filter(
    (id) => id !== actor.id,
  )
  const blocks = await store.blocks.findBetween(ctx.app.db, actor.id, others)
  const toUserIds = others.filter((id) => !blocks.has(id))
  const indicator = { conversationId, userId: actor.id, toUserIds }
  if (input.typing) ctx.app.typing.start(indicator)
  else ctx.app.typing.stop(indicator)
}
