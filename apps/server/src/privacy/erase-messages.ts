import { type ErasableRow, type EventTransaction, lockKeyOf, store } from '@sotto/db'

/**
 * Leaves tombstones of these messages, without what a deletion by their sender keeps for repeated sends. Those that are
 * tombstones already lose that too.
 *
 * @param withEvents whether to append an event for each message.
 */
export async function eraseMessages(
  trx: EventTransaction,
  rows: readonly ErasableRow[],
  { at, withEvents }: { at: Date; withEvents: boolean },
): Promise<void> {
  const left = rows.filter((row) => row.deleted_at === null || row.client_message_id !== null)
  if (left.length === 0) return
  const conversationIds = [...new Set(left.map((row) => row.conversation_id))]
  await store.conversations.lockMany(
    trx,
    (await store.conversations.findMany(trx, conversationIds)).map(lockKeyOf),
  )
  const current = await store.erasure.findMessages(
    trx,
    left.map((row) => row.id),
  )
  for (const row of current.toSorted((a, b) => a.seq - b.seq)) {
    await store.erasure.eraseRepeatKey(trx, row.id)
    if (row.deleted_at !== null) continue
    const place = { conversationId: row.conversation_id, seq: row.seq }
    await store.messages.eraseContent(trx, row.id, at)
    await store.participants.noteDeleted(trx, { ...place, senderId: row.sender_id })
    if (!withEvents) continue
    await store.events.append(trx, {
      ...place,
      type: 'message.deleted',
      userId: row.sender_id,
      messageId: row.id,
      at,
    })
  }
}
