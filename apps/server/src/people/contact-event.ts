import { type EventTransaction, store } from '@sotto/db'

/**
 * Appends the event that a user's relationship to another has changed, in the transaction of the change. Readers of
 * the event look up the relationship.
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
