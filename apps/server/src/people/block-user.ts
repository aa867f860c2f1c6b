import { invalidInput } from '@sotto/contract'
import { directKey, store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireOther } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { endContact } from './end-contact.ts'

/** The maximum number of blocked users per user, which bounds the table. */
const MAX_BLOCKS = 10_000

/**
 * Blocks a user and removes the contact. Holds the lock of the direct conversation, so a concurrent message is either
 * written before this returns or rejected.
 */
export async function blockUser(ctx: ActorContext, input: InputOf<'blocks', 'add'>): Promise<void> {
  const { actor } = ctx
  const other = await requireOther(ctx, actor, input.user)
  await ctx.app.write(async (trx) => {
    await store.conversations.lock(trx, directKey(actor.id, other.id))
    const at = ctx.app.now()
    await store.blocks.insert(trx, actor.id, other.id, at)
    // Checked after inserting, so that blocking the same user again succeeds at the limit.
    if ((await store.blocks.count(trx, actor.id)) > MAX_BLOCKS) {
      throw invalidInput('user', `block list is full (maximum ${MAX_BLOCKS} users)`)
    }
    await endContact(trx, actor.id, other.id, at)
  })
  ctx.app.hideTyping(actor.id, other.id)
}
