import type { Contract } from '@sotto/contract'
import { directKey, lockConversation } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { requireActor, requireOther } from '../auth/access.ts'
import { endContact } from './end-contact.ts'

/** Refuses or withdraws a request, or removes a contact. */
export async function removeContact(
  ctx: Context,
  input: z.output<Contract['contacts']['remove']['input']>,
): Promise<void> {
  const actor = requireActor(ctx)
  const other = await requireOther(ctx, actor, input.user)
  await ctx.app.write(async (trx) => {
    await lockConversation(trx, directKey(actor.id, other.id))
    await endContact(trx, actor.id, other.id, ctx.app.now())
  })
}
