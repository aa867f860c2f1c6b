import { invalidInput } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { takeProof } from './second-factor.ts'

/** Turns off the actor's two-factor authentication. Requires a code, because the session may be stolen. */
export async function disableTotp(ctx: ActorContext, proof: InputOf<'totp', 'disable'>): Promise<void> {
  const { actor: user } = ctx
  await ctx.app.limits.chargeSignIn(user.id, ctx)
  await ctx.app.db.transaction().execute(async (trx) => {
    if (!(await takeProof(trx, ctx.app, user.id, proof))) {
      const field = proof.code === undefined ? 'recoveryCode' : 'code'
      throw invalidInput(field, 'is wrong or was already used')
    }
    await store.secondFactors.remove(trx, user.id)
  })
}
