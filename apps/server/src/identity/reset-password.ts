import { invalidInput } from '@sotto/contract'
import { store } from '@sotto/db'
import type { Context } from '../app/context.ts'
import { latestBelievable } from '../lib/clock.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { RESET_LIFETIME_MS } from './issue-password-reset.ts'
import { changePassword, hashNewPassword } from './password-change.ts'
import { hashSecret } from './secrets.ts'

/** Sets a password with a reset token. A rejected password does not use up the token. */
export async function resetPassword(
  { app }: Context,
  { token, newPassword }: InputOf<'passwords', 'reset'>,
): Promise<void> {
  const tokenHash = hashSecret(token)
  const now = app.now()
  const latest = latestBelievable(now, RESET_LIFETIME_MS)
  const userId = await store.passwordResets.find(app.db, tokenHash, { now, latest })
  if (userId === undefined) throw unusable()
  const passwordHash = await hashNewPassword(app.identity.passwords, newPassword, 'newPassword')
  await app.db.transaction().execute(async (trx) => {
    // First, because password changes take the locks in this order.
    const held = await store.credentials.hold(trx, userId)
    if (!held || !(await store.passwordResets.take(trx, tokenHash))) throw unusable()
    await changePassword(trx, userId, { passwordHash, at: app.now() })
  })
  app.identity.forgetUsers()
}

function unusable() {
  return invalidInput('token', 'is unknown, already used or expired')
}
