import { type EventTransaction, store } from '@sotto/db'

/**
 * Tells a user, in the transaction of the change, that another one is something else to them now. What it is, those
 * who read the event look up.
 */
export async function tellContact(
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
