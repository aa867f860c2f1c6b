import { type Executor, store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireConversation } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'

/** Sends a typing signal to the other participants, unless a block exists between them and the actor. */
export async function setTyping(ctx: ActorContext, input: InputOf<'conversations', 'typing'>): Promise<void> {
  const { id: conversationId } = await requireConversation(ctx, input.conversationId)
  const typist = { conversationId, userId: ctx.actor.id }
  const audience = await findTypingAudience(ctx.app.db, typist)
  if (input.typing) ctx.app.typing.start(typist, audience)
  else ctx.app.typing.stop(typist, audience)
}

/** The other participants, except where there is a block. No one if the user is no longer a participant. */
export async function findTypingAudience(
  db: Executor,
  { conversationId, userId }: { conversationId: string; userId: string },
): Promise<string[]> {
  const ids = await store.participants.findIds(db, conversationId)
  if (!ids.includes(userId)) return []
  const others = ids.filter((id) => id !== userId)
  const blocks = await store.blocks.findBetween(db, userId, others)
  return others.filter((id) => !blocks.has(id))
}
