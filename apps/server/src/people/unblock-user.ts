import type { Contract } from '@sotto/contract'
import { deleteBlock } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { requireActor, requireOther } from '../auth/access.ts'

/** Takes one's block back. Without one, nothing changes. */
export async function unblockUser(
  ctx: Context,
  input: z.output<Contract['blocks']['remove']['input']>,
): Promise<void> {
  const actor = requireActor(ctx)
  const other = await requireOther(ctx, actor, input.user)
  await deleteBlock(ctx.app.db, actor.id, other.id)
}
