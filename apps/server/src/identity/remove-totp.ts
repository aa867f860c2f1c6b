import { store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { requireUser } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'

/** Turns off a user's two-factor authentication, for admins. */
export async function removeTotp(ctx: AdminContext, { user: ref }: InputOf<'totp', 'remove'>): Promise<void> {
  const user = await requireUser(ctx, ref, 'user')
  await ctx.app.db.transaction().execute(async (trx) => {
    if (await store.secondFactors.remove(trx, user.id)) {
      await recordAudit(trx, ctx, { action: 'user.second_factor_removed', subjectId: user.id })
    }
  })
}
