import { type EventTransaction, store } from '@sotto/db'
import { tellContact } from './tell-contact.ts'

/**
 * Ends what another user is to this one, in the pair's turn: a contact is gone for both, a request of one's own too.
 * A request of theirs is refused, and that they are not told: it stays outgoing to them.
 */
export async function endContact(
  trx: EventTransaction,
  userId: string,
  otherId: string,
  at: Date,
): Promise<void> {
  const was = await store.contacts.remove(trx, userId, otherId)
  if (!was) return
  await tellContact(trx, userId, otherId, at)
  if (was === 'incoming') return
  if (await store.contacts.remove(trx, otherId, userId)) await tellContact(trx, otherId, userId, at)
}
