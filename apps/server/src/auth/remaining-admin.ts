import { SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'

/**
 * Before a user's admin access ends, requires that another admin remains. Locks the admins until the transaction ends,
 * so that two of them cannot remove each other at the same time. Bare keys are not restricted, because they can create
 * another admin.
 *
 * @throws {SottoError} FORBIDDEN
 */
export async function requireRemainingAdmin(
  trx: Executor,
  { caller, actor }: CallerContext,
  userId: string,
): Promise<void> {
  if (!actor) return
  const admins = await store.accounts.holdAdmins(trx)
  if (!admins.includes(userId)) return
  // The caller may have lost admin access while this call waited for the lock.
  if (caller.kind === 'user' && !admins.includes(actor.id)) throw new SottoError('FORBIDDEN')
  if (admins.length === 1) {
    throw new SottoError('FORBIDDEN', {
      detail: 'the last admin cannot be demoted, disabled or erased: make another user an admin first',
    })
  }
}
