import {
  appendEvent,
  type ErasableRow,
  type EventTransaction,
  eraseContent,
  eraseRepeatKey,
  findConversations,
  findErasable,
  lockConversations,
  lockKeyOf,
  noteDeleted,
} from '@sotto/db'

/**
 * Leaves tombstones of these messages, without what a deletion by their sender keeps for repeated sends. Those that are
 * tombstones already lose that too.
 *
 * @param tell whether those who may read them get an event for each.
 */
export async function eraseMessages(
  trx: EventTransaction,
  rows: readonly ErasableRow[],
  { at, tell }: { at: Date; tell: boolean },
): Promise<void> {
  const left = rows.filter((row) => row.deleted_at === null || row.client_message_id !== null)
  if (left.length === 0) return
  const conversationIds = [...new Set(left.map((row) => row.conversation_id))]
  await lockConversations(trx, (await findConversations(trx, conversationIds)).map(lockKeyOf))
  const current = await findErasable(
    trx,
    left.map((row) => row.id),
  )
  for (const row of current.toSorted((a, b) => a.seq - b.seq)) {
    await eraseRepeatKey(trx, row.id)
    if (row.deleted_at !== null) continue
    const place = { conversationId: row.conversation_id, seq: row.seq }
    await eraseContent(trx, row.id, at)
    await noteDeleted(trx, { ...place, senderId: row.sender_id })
    if (!tell) continue
    await appendEvent(trx, {
      ...place,
      type: 'message.deleted',
      userId: row.sender_id,
      messageId: row.id,
      at,
    })
  }
}
