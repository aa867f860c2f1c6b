import { deleteContact, type Executor } from '@sotto/db'

/**
 * Ends what another user is to this one, in the pair's turn: a contact is gone for both, a request of one's own too.
 * A request of theirs is refused, and that is not told: it stays outgoing to them.
 */
export async function endContact(trx: Executor, userId: string, otherId: string): Promise<void> {
  const was = await deleteContact(trx, userId, otherId)
  if (was === 'accepted' || was === 'outgoing') await deleteContact(trx, otherId, userId)
}
