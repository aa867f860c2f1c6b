import { SottoError } from '@sotto/contract'
import { type Executor, type HeldAccountRow, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'

/**
 * Locks a user's row until the transaction ends, and checks again that the caller's own credentials are valid. Changes
 * to an account hash passwords between authentication and their transaction. A reset in the meantime must win.
 *
 * @throws {SottoError} UNAUTHENTICATED; USER_NOT_FOUND if the user was erased.
 */
export async function holdAccount(
  trx: Executor,
  ctx: CallerContext,
  userId: string,
): Promise<HeldAccountRow> {
  const account = await findAndHoldAccount(trx, ctx, userId)
  if (!account) throw new SottoError('USER_NOT_FOUND', { detail: 'no such user' })
  return account
}

/** Like holdAccount, but undefined if the user was erased. */
export async function findAndHoldAccount(
  trx: Executor,
  { caller }: CallerContext,
  userId: string,
): Promise<HeldAccountRow | undefined> {
  const account = await store.credentials.hold(trx, userId)
  if (!account || caller.kind !== 'user' || caller.actor.id !== userId) return account
  const { credential } = caller
  const isValid =
    account.disabled_at === null &&
    (credential.kind !== 'session' || (await store.sessions.exists(trx, credential.id))) &&
    (credential.kind !== 'password' || credential.hash === account.password_hash)
  if (!isValid) throw new SottoError('UNAUTHENTICATED', { detail: 'the credentials are no longer valid' })
  return account
}
