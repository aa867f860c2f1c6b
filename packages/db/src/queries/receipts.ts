import { type IdList, idList, inList } from '../dialect/expressions.ts'
import { type Executor, statement } from '../statement.ts'

interface Mark {
  conversationId: string
  userId: string
  seq: number
}

interface SeqRange {
  conversationId: string
  userId: string
  above: number
  upTo: number
}

const countSkipped = statement((db, p: SeqRange) =>
  db
    .selectFrom('messages')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('conversation_id', '=', p.conversationId)
    .where('seq', '>', p.above)
    .where('seq', '<=', p.upTo)
    .where((eb) => eb.or([eb('sender_id', '=', p.userId), eb('deleted_at', 'is not', null)])),
)

/** How many messages with above < seq <= upTo never count as unread to this user: own ones, and deleted ones. */
export async function countSkippedMessages(db: Executor, range: SeqRange): Promise<number> {
  const [row] = await countSkipped(db, range)
  return row?.count ?? 0
}

const setRead = statement((db, p: Mark & { skippedCount: number }) =>
  db
    .updateTable('participants')
    .set({ read_seq: p.seq, skipped_count: p.skippedCount })
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId)
    .where('left_at', 'is', null),
)

export async function updateReadMark(trx: Executor, mark: Mark & { skippedCount: number }): Promise<void> {
  await setRead(trx, mark)
}

const setDelivered = statement((db, p: Mark) =>
  db
    .updateTable('participants')
    .set({ delivered_seq: p.seq })
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId)
    .where('left_at', 'is', null),
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

const receiptTimes = statement((db, p: { conversationId: string; userIds: IdList; seq: number }) =>
  db
    .selectFrom('participants as p')
    .select('p.user_id')
    .select((eb) => {
      // One place of an index for each, however many marks there are.
      const receipt = (kind: 'delivered' | 'read') =>
        eb
          .selectFrom('receipts as r')
          .select('r.receipt_at')
          .whereRef('r.conversation_id', '=', 'p.conversation_id')
          .whereRef('r.user_id', '=', 'p.user_id')
          .where('r.kind', '=', kind)
          .where('r.seq', '>=', p.seq)
          .orderBy('r.seq')
          .limit(1)
      return [receipt('delivered').as('delivered_at'), receipt('read').as('read_at')]
    })
    .where('p.conversation_id', '=', p.conversationId)
    .where((eb) => inList(db, eb, 'p.user_id', p.userIds))
    .where('p.left_at', 'is', null),
)

/**
 * When these users, who are in the conversation, had a message, and read it: the time of the first mark at or after it,
 * null where there is none.
 */
export async function findReceiptTimes(
  db: Executor,
  { conversationId, userIds, seq }: { conversationId: string; userIds: readonly string[]; seq: number },
) {
  return userIds.length === 0 ? [] : receiptTimes(db, { conversationId, userIds: idList(db, userIds), seq })
}
