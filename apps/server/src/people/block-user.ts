import { invalidInput } from '@sotto/contract'
import { directKey, store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireOther } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { endContact } from './end-contact.ts'

/** How many a user blocks at most: nobody knows so many, and whoever tries everybody fills a table. */
const MAX_BLOCKS = 10_000

/**
 * Blocks somebody, and ends a contact with them. In the turn of their direct conversation: a message is either there
 * before the answer, or refused.
 */
export async function blockUser(ctx: ActorContext, input: InputOf<'blocks', 'add'>): Promise<void> {
  const { actor } = ctx
  const other = await requireOther(ctx, actor, input.user)
  await ctx.app.write(async (trx) => {
    await store.conversations.lock(trx, directKey(actor.id, other.id))
    const at = ctx.app.now()
    await store.blocks.insert(trx, actor.id, other.id, at)
    // Afterwards, so that blocking the same ones again still changes nothing.
    if ((await store.blocks.count(trx, actor.id)) > MAX_BLOCKS) {
      throw invalidInput('user', `block list is full (maximum ${MAX_BLOCKS} users)`)
    }
    await endContact(trx, actor.id, other.id, at)
  })
}
