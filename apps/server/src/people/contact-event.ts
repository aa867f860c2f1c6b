import { type EventTransaction, store } from '@sotto/db'

/**
 * Appends a `contact.updated` event for one of the two users, in the transaction of the change. The contact's state is
 * looked up when the event is read.
 */
export async function appendContactEvent(
  trx: EventTransaction,
  userId: string,
  contactId: string,
  at: Date,
): Promise<void> {
  await store.events.append(trx, {
    type: 'contact.updated',
    conversationId: null,
    userId: contactId,
    audienceUserId: userId,
    seq: 0,
    at,
  })
}
