import { type EventTransaction, store } from '@sotto/db'
import { appendContactEvent } from './contact-event.ts'

/**
 * Removes the contact or own request between two users, under the lock of the pair. A request of the other user is
 * declined without notifying them: it stays outgoing on their side.
 */
export async function endContact(
  trx: EventTransaction,
  userId: string,
  otherId: string,
  at: Date,
): Promise<void> {
  const was = await store.contacts.remove(trx, userId, otherId)
  if (!was) return
  await appendContactEvent(trx, userId, otherId, at)
  if (was === 'incoming') return
  if (await store.contacts.remove(trx, otherId, userId)) await appendContactEvent(trx, otherId, userId, at)
}
