import { invalidInput } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import { endDemoOf } from '../setup/demo.ts'
import { isCommonPassword } from './common-passwords.ts'
import type { Passwords } from './passwords.ts'

/* Shared by all operations that set a password. */

/**
 * Hashes a new password.
 *
 * @param field the input field to name in errors.
 * @throws {SottoError} INVALID_INPUT for a common password, RATE_LIMITED if too many are waiting.
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

/** Sets a password hash, ends all sessions except the given one, and voids a pending reset token. */
export async function changePassword(
  trx: Executor,
  userId: string,
  change: { passwordHash: string; at: Date; keptSessionId?: string | undefined },
): Promise<void> {
  await endDemoOf(trx, userId)
  await store.credentials.updatePasswordHash(trx, userId, change.passwordHash, change.at)
  await store.sessions.removeAllOf(trx, userId, change.keptSessionId)
  await store.passwordResets.removeOf(trx, userId)
}
