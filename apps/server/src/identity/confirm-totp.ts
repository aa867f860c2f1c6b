import { invalidInput } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireMayGrantAccess } from '../auth/access.ts'
import { holdAccount } from '../auth/held-account.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.ts'
import { takeCode } from './second-factor.ts'

/** Turns on two-factor authentication. The recovery codes are returned once and stored hashed. */
export async function confirmTotp(
  ctx: ActorContext,
  { code }: InputOf<'totp', 'confirm'>,
): Promise<{ recoveryCodes: string[] }> {
  const { actor: user, app } = ctx
  await app.limits.chargeSignIn(user.id, ctx)
  const recoveryCodes = newRecoveryCodes()
  const isRight = await app.db.transaction().execute(async (trx) => {
    const { role } = await holdAccount(trx, ctx, user.id)
    requireMayGrantAccess(ctx, role)
    const factor = await store.secondFactors.find(trx, user.id)
    if (!factor || factor.confirmed_at) {
      throw invalidInput('code', 'cannot be confirmed: start two-factor setup first')
    }
    if (!(await takeCode(trx, ctx, user.id, factor.sealed_secret, code))) return false
    await store.secondFactors.confirm(trx, user.id, app.now())
    const hashes = recoveryCodes.map((each) => hashRecoveryCode(user.id, each))
    await store.secondFactors.insertRecoveryCodes(trx, user.id, hashes)
    return true
  })
  if (!isRight) throw invalidInput('code', 'must be the current code of the authenticator app')
  return { recoveryCodes }
}
