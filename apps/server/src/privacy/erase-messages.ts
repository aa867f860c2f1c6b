import { type ErasableRow, type EventTransaction, lockKeyOf, store } from '@sotto/db'

/**
 * Turns messages into tombstones. Unlike a deletion by the sender, also removes the clientMessageId and content hash
 * that detect repeated sends, including those of existing tombstones.
 *
 * @param withEvents whether to append an event for each message.
 */
export async function eraseMessages(
  trx: EventTransaction,
  rows: readonly ErasableRow[],
  { at, withEvents }: { at: Date; withEvents: boolean },
): Promise<void> {
  const remaining = rows.filter((row) => row.deleted_at === null || row.client_message_id !== null)
  if (remaining.length === 0) return
  const conversationIds = [...new Set(remaining.map((row) => row.conversation_id))]
  await store.conversations.lockMany(
    trx,
    (await store.conversations.findMany(trx, conversationIds)).map(lockKeyOf),
  )
  const current = await store.erasure.findMessages(
    trx,
    remaining.map((row) => row.id),
  )
  for (const row of current.toSorted((a, b) => a.seq - b.seq)) {
    await store.erasure.eraseRepeatKey(trx, row.id)
    if (row.deleted_at !== null) continue
    const position = { conversationId: row.conversation_id, seq: row.seq }
    await store.messages.eraseContent(trx, row.id, at)
    await store.participants.noteDeleted(trx, { ...position, senderId: row.sender_id })
    if (!withEvents) continue
    await store.events.append(trx, {
      ...position,
      type: 'message.deleted',
      userId: row.sender_id,
      messageId: row.id,
      at,
    })
  }
}
