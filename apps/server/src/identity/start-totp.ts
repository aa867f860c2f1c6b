import { SottoError } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireMayGrantAccess } from '../auth/access.ts'
import { holdAccount } from '../auth/held-account.ts'
import { requireNotDemoUser } from '../setup/demo.ts'
import { newTotpSecret, totpUri } from './totp.ts'

/** Creates a TOTP secret, to be confirmed with a first code. It is returned once and stored encrypted. */
export async function startTotp(ctx: ActorContext): Promise<{ secret: string; uri: string }> {
  const { actor: user } = ctx
  const { db, secretBox, now } = ctx.app
  await requireNotDemoUser(db, user.username)
  const secret = newTotpSecret()
  const sealedSecret = secretBox.seal(secret, user.id)
  const started = await db.transaction().execute(async (trx) => {
    const { role } = await holdAccount(trx, ctx, user.id)
    requireMayGrantAccess(ctx, role)
    return store.secondFactors.start(trx, { userId: user.id, sealedSecret, at: now() })
  })
  if (!started) {
    throw new SottoError('FORBIDDEN', { detail: 'two-factor authentication is on: turn it off first' })
  }
  return { secret, uri: totpUri(secret, user.username) }
}
