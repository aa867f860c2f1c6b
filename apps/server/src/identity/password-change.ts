import { invalidInput } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import { endDemo } from '../setup/demo.ts'
import { isCommonPassword } from './common-passwords.ts'
import type { Passwords } from './passwords.ts'

/* What every way of setting a password has in common. */

/**
 * The hash of a password that is to be set.
 *
 * @param field names it where it is refused.
 * @throws {SottoError} INVALID_INPUT for one of the most common passwords, RATE_LIMITED when too many wait.
 */
export async function hashNewPassword(
  passwords: Pick<Passwords, 'hash'>,
  password: string,
  field: string,
): Promise<string> {
  if (await isCommonPassword(password)) {
    throw invalidInput(field, 'must not be a common password')
  }
  return passwords.hash(password)
}

/** Puts a new password in force: sessions but the one named end, and a reset that waits to be used is void. */
export async function changePassword(
  trx: Executor,
  userId: string,
  change: { passwordHash: string; at: Date; keptSessionId?: string | undefined },
): Promise<void> {
  // Whoever has one is somebody.
  await endDemo(trx)
  await store.credentials.updatePasswordHash(trx, userId, change.passwordHash, change.at)
  await store.sessions.removeAllOf(trx, userId, change.keptSessionId)
  await store.passwordResets.removeOf(trx, userId)
}
