import { type EventTransaction, store } from '@sotto/db'
import { appendContactEvent } from './contact-event.ts'

/**
 * Removes the contact between two users or the user's own request. A request by the other user is declined without
 * notifying them: it stays outgoing on their side. Requires the lock of the pair.
 */
export async function endContact(
  trx: EventTransaction,
  userId: string,
  otherId: string,
  at: Date,
): Promise<void> {
  const state = await store.contacts.remove(trx, userId, otherId)
  if (!state) return
  await appendContactEvent(trx, userId, otherId, at)
  if (state === 'incoming') return
  if (await store.contacts.remove(trx, otherId, userId)) await appendContactEvent(trx, otherId, userId, at)
}
