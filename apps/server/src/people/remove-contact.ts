import { directKey, store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireOther } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { endContact } from './end-contact.ts'

/** Removes a contact, or declines or cancels a request. */
export async function removeContact(ctx: ActorContext, input: InputOf<'contacts', 'remove'>): Promise<void> {
  const { actor } = ctx
  const other = await requireOther(ctx, actor, input.user)
  await ctx.app.write(async (trx) => {
    await store.conversations.lock(trx, directKey(actor.id, other.id))
    await endContact(trx, actor.id, other.id, ctx.app.now())
  })
}
