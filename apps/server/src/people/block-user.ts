import type { Contract } from '@sotto/contract'
import { directKey, insertBlock, lockConversation } from '@sotto/db'
import type { z } from 'zod'
import { requireActor, requireOther } from '../access.ts'
import type { Context } from '../context.ts'
import { endContact } from './end-contact.ts'

/**
 * Blocks somebody, and ends a contact with them. In the turn of their direct conversation: a message is either there
 * before the answer, or refused.
 */
export async function blockUser(
  ctx: Context,
  input: z.output<Contract['blocks']['add']['input']>,
): Promise<void> {
  const actor = requireActor(ctx)
  const other = await requireOther(ctx, actor, input.user)
  await ctx.app.write(async (trx) => {
    await lockConversation(trx, directKey(actor.id, other.id))
    const at = ctx.app.now()
    await insertBlock(trx, actor.id, other.id, at)
    await endContact(trx, actor.id, other.id, at)
  })
}
