import type { Contract } from '@sotto/contract'
import { deleteSecondFactor } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { requireUser } from '../auth/access.ts'

/** Turns somebody's second factor off, for admins. */
export async function removeTotp(
  ctx: Context,
  { user: ref }: z.output<Contract['totp']['remove']['input']>,
): Promise<void> {
  const user = await requireUser(ctx, ref, 'user')
  await ctx.app.db.transaction().execute(async (trx) => {
    if (await deleteSecondFactor(trx, user.id)) {
      await recordAudit(trx, ctx, { action: 'user.second_factor_removed', subjectId: user.id })
    }
  })
}
