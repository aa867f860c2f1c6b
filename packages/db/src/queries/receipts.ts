import { type Executor, statement } from '../statement.ts'

interface Mark {
  conversationId: string
  userId: string
  seq: number
}

const countUnread = statement(
  (db, p: { conversationId: string; userId: string; above: number; upTo: number }) =>
    db
      .selectFrom('messages')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('conversation_id', '=', p.conversationId)
      .where('seq', '>', p.above)
      .where('seq', '<=', p.upTo)
      .where('sender_id', '<>', p.userId)
      .where('deleted_at', 'is', null),
)

/** The others' messages with above < seq <= upTo that are not deleted. */
export async function countOthersMessages(
  db: Executor,
  range: { conversationId: string; userId: string; above: number; upTo: number },
): Promise<number> {
  const [row] = await countUnread(db, range)
  return row?.count ?? 0
}

const setRead = statement((db, p: Mark & { unreadCount: number }) =>
  db
    .updateTable('participants')
    .set({ read_seq: p.seq, unread_count: p.unreadCount })
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId),
)

export async function updateReadMark(trx: Executor, mark: Mark & { unreadCount: number }): Promise<void> {
  await setRead(trx, mark)
}

const setDelivered = statement((db, p: Mark) =>
  db
    .updateTable('participants')
    .set({ delivered_seq: p.seq })
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId),
)

export async function updateDeliveredMark(trx: Executor, mark: Mark): Promise<void> {
  await setDelivered(trx, mark)
}

const addReceipt = statement((db, p: Mark & { kind: 'delivered' | 'read'; at: Date }) =>
  db
    .insertInto('receipts')
    .values({
      conversation_id: p.conversationId,
      user_id: p.userId,
      kind: p.kind,
      seq: p.seq,
      receipt_at: p.at,
    })
    .onConflict((conflict) => conflict.doNothing()),
)

/** "Had everything up to seq at this time." */
export async function insertReceipt(
  trx: Executor,
  receipt: Mark & { kind: 'delivered' | 'read'; at: Date },
): Promise<void> {
  await addReceipt(trx, receipt)
}
