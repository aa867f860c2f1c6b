import { invalidInput } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireMayGrantAccess } from '../auth/access.ts'
import { holdAccount } from '../auth/held-account.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { takeProof } from './second-factor.ts'

/** Turns off the actor's two-factor authentication. Requires a code, because the session may be stolen. */
export async function disableTotp(ctx: ActorContext, proof: InputOf<'totp', 'disable'>): Promise<void> {
  const { actor: user } = ctx
  await ctx.app.limits.chargeSignIn(user.id, ctx)
  const isRight = await ctx.app.db.transaction().execute(async (trx) => {
    const { role } = await holdAccount(trx, ctx, user.id)
    requireMayGrantAccess(ctx, role)
    if (!(await takeProof(trx, ctx, user.id, proof))) return false
    await store.secondFactors.remove(trx, user.id)
    return true
  })
  if (!isRight) {
    const field = proof.code === undefined ? 'recoveryCode' : 'code'
    throw invalidInput(field, 'is wrong or was already used')
  }
}
