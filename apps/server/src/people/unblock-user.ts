import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireOther } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'

/** Removes the actor's block. Idempotent. */
export async function unblockUser(ctx: ActorContext, input: InputOf<'blocks', 'remove'>): Promise<void> {
  const { actor } = ctx
  const other = await requireOther(ctx, actor, input.user)
  await store.blocks.remove(ctx.app.db, actor.id, other.id)
}
