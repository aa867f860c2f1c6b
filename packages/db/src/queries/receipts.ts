import { sql } from 'kysely'
import {
  findsOne,
  givenRows,
  type IdList,
  idList,
  inList,
  lockedRows,
  timeOf,
} from '../dialect/expressions.ts'
import type { EventTransaction } from '../event-transaction.ts'
import type { ParticipantTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'

/** The seq up to which a user has received or read a conversation. */
export interface Mark {
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

const skippedIn = statement((db, p: SeqRange) =>
  db
    .selectFrom('messages')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('conversation_id', '=', p.conversationId)
    .where('seq', '>', p.above)
    .where('seq', '<=', p.upTo)
    .where((eb) => eb.or([eb('sender_id', '=', p.userId), eb('deleted_at', 'is not', null)])),
)

/** The number of messages with above < seq <= upTo that never count as unread for this user: own and deleted ones. */
export async function countSkipped(db: Executor, range: SeqRange): Promise<number> {
  const [row] = await skippedIn(db, range)
  return row?.count ?? 0
}

const receivableIn = statement((db, p: SeqRange) =>
  db
    .selectFrom('messages')
    .select('seq')
    .where('conversation_id', '=', p.conversationId)
    .where('seq', '>', p.above)
    .where('seq', '<=', p.upTo)
    .where('sender_id', '<>', p.userId)
    .where('deleted_at', 'is', null)
    .orderBy('seq')
    .limit(1),
)

/**
 * The seq of the first message with above < seq <= upTo that can be delivered to this user: of others and not deleted.
 */
export async function findReceivable(db: Executor, range: SeqRange): Promise<number | undefined> {
  const [row] = await receivableIn(db, range)
  return row?.seq
}

const setRead = statement((db, p: Mark & { skippedCount: number }) =>
  db
    .updateTable('participants')
    .set({ read_seq: p.seq, skipped_count: p.skippedCount })
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId)
    .where('left_at', 'is', null),
)

/** Locks the stay's row until the transaction ends, so the delivered mark cannot move either. */
export async function updateReadMark(trx: Executor, mark: Mark & { skippedCount: number }): Promise<void> {
  await setRead(trx, mark)
}

const addReceipt = statement((db, p: Mark & { at: Date }) =>
  db
    .insertInto('receipts')
    .values({
      conversation_id: p.conversationId,
      user_id: p.userId,
      kind: 'read',
      seq: p.seq,
      receipt_at: p.at,
    })
    .onConflict((conflict) => conflict.doNothing()),
)

/** Records that the user had read everything up to `seq` at this time. */
export async function insertRead(trx: Executor, receipt: Mark & { at: Date }): Promise<void> {
  await addReceipt(trx, receipt)
}

/** Delivered marks as a single parameter. */
interface MarkList {
  marks: string
}

function markList(marks: readonly Mark[]): string {
  return JSON.stringify(
    marks.map((mark) => ({ conversation_id: mark.conversationId, user_id: mark.userId, seq: mark.seq })),
  )
}

function givenMarks(db: Executor, { marks }: MarkList) {
  return givenRows(db, marks, { conversation_id: 'uuid', user_id: 'uuid', seq: 'bigint' })
}

/** The stays whose delivered mark would move forward. */
function movedBy(db: Executor, p: MarkList) {
  return db
    .selectFrom(givenMarks(db, p))
    .innerJoin('participants', (join) =>
      join
        .onRef('participants.conversation_id', '=', 'given.conversation_id')
        .onRef('participants.user_id', '=', 'given.user_id'),
    )
    .where('participants.left_at', 'is', null)
    .whereRef('participants.delivered_seq', '<', 'given.seq')
}

const moving = statement((db, p: MarkList) =>
  movedBy(db, p).select([
    'given.conversation_id as conversationId',
    'given.user_id as userId',
    'given.seq as seq',
  ]),
)

/** The marks among these that are ahead of what is stored. */
export async function findMovingMarks(db: Executor, marks: readonly Mark[]): Promise<Mark[]> {
  return moving(db, { marks: markList(marks) })
}

const moveDelivered = statement((db, p: MarkList) =>
  db
    .updateTable('participants')
    .from(
      lockedRows(db, movedBy(db, p), ['participants'])
        .select([
          'participants.conversation_id',
          'participants.user_id',
          'participants.first_event_id',
          'given.seq',
        ])
        .as('moving'),
    )
    .set((eb) => ({ delivered_seq: eb.ref('moving.seq') }))
    .whereRef('participants.conversation_id', '=', 'moving.conversation_id')
    .whereRef('participants.user_id', '=', 'moving.user_id')
    .whereRef('participants.first_event_id', '=', 'moving.first_event_id')
    .returning([
      'participants.conversation_id as conversationId',
      'participants.user_id as userId',
      'participants.delivered_seq as seq',
    ]),
)

/** The marks that may be reported: not those in a direct conversation whose users are blocked. */
function reportedMarks(db: Executor, p: MarkList) {
  return db.selectFrom(givenMarks(db, p)).where((eb) => {
    const other = eb
      .selectFrom('conversations as c')
      .innerJoin('participants as other', 'other.conversation_id', 'c.id')
      .innerJoin('blocks', (join) =>
        join.on((on) =>
          on.or([
            on.and([
              on('blocks.user_id', '=', on.ref('given.user_id')),
              on('blocks.blocked_id', '=', on.ref('other.user_id')),
            ]),
            on.and([
              on('blocks.user_id', '=', on.ref('other.user_id')),
              on('blocks.blocked_id', '=', on.ref('given.user_id')),
            ]),
          ]),
        ),
      )
      .select('c.id')
      .whereRef('c.id', '=', 'given.conversation_id')
      .where('c.kind', '=', sql.lit('direct'))
      .whereRef('other.user_id', '<>', 'given.user_id')
    return eb.not(eb.exists(other))
  })
}

const addDelivered = statement((db, p: MarkList & { at: Date }) =>
  db
    .insertInto('receipts')
    .columns(['conversation_id', 'user_id', 'kind', 'seq', 'receipt_at'])
    .expression(
      reportedMarks(db, p)
        .select(['given.conversation_id', 'given.user_id'])
        .select(sql.lit('delivered' as const).as('kind'))
        .select('given.seq')
        .select(timeOf(db, p.at).as('receipt_at')),
    ),
)

/**
 * Appends events for direct conversations only. In a group, one message would cause an event per participant, each sent
 * to all of them.
 */
const addDeliveredEvents = statement((db, p: MarkList & { at: Date }) =>
  db
    .insertInto('events')
    .columns(['type', 'conversation_id', 'user_id', 'seq', 'created_at'])
    .expression(
      reportedMarks(db, p)
        .innerJoin('conversations', 'conversations.id', 'given.conversation_id')
        .where('conversations.kind', '=', sql.lit('direct'))
        .select(sql.lit('receipt.delivered' as const).as('type'))
        .select(['given.conversation_id', 'given.user_id', 'given.seq'])
        .select(timeOf(db, p.at).as('created_at')),
    ),
)

/**
 * Moves delivered marks forward and records receipts at this time, except between users who are blocked.
 *
 * Never waits: it skips marks whose row is locked by another transaction, as well as marks that would not move. Many
 * marks can therefore be moved at once without delaying sends or causing deadlocks. The row locks keep a user's marks
 * in order, so the conversation lock is not needed.
 *
 * @returns the marks that moved.
 */
export async function moveDeliveredMarks(
  trx: EventTransaction,
  marks: readonly Mark[],
  at: Date,
): Promise<Mark[]> {
  const moved = await moveDelivered(trx, { marks: markList(marks) })
  if (moved.length > 0) {
    const list = { marks: markList(moved), at }
    await addDelivered(trx, list)
    await addDeliveredEvents(trx, list)
  }
  return moved
}

const receiptTimes = statement((db, p: { conversationId: string; userIds: IdList; seq: number }) =>
  db
    .selectFrom('participants as p')
    .select('p.user_id')
    .select((eb) => {
      // One index lookup per user, however many marks there are.
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
      const sentAt = eb
        .selectFrom('messages as m')
        .select('m.created_at')
        .whereRef('m.conversation_id', '=', 'p.conversation_id')
        .where('m.seq', '=', p.seq)
      return [receipt('delivered').as('delivered_at'), receipt('read').as('read_at'), sentAt.as('sent_at')]
    })
    .where('p.conversation_id', '=', p.conversationId)
    .where((eb) => inList(db, eb, 'p.user_id', p.userIds))
    .where('p.left_at', 'is', null)
    // Later receipts say nothing about messages outside the user's stays.
    .where((eb) =>
      findsOne(
        eb
          .selectFrom('participants as stay')
          .whereRef('stay.conversation_id', '=', 'p.conversation_id')
          .whereRef('stay.user_id', '=', 'p.user_id')
          .where('stay.after_seq', '<', p.seq)
          .where((or) => or.or([or('stay.until_seq', 'is', null), or('stay.until_seq', '>=', p.seq)])),
      ),
    ),
)

export interface ReceiptTimesRow {
  user_id: string
  delivered_at: Date | null
  read_at: Date | null
  /** Null if there is no such message. */
  sent_at: Date | null
}

/**
 * When these current participants received and read a message: the time of the first mark at or after it, or null. No
 * row for participants who cannot see it.
 */
export async function findTimes(
  db: Executor,
  { conversationId, userIds, seq }: { conversationId: string; userIds: readonly string[]; seq: number },
): Promise<ReceiptTimesRow[]> {
  return userIds.length === 0 ? [] : receiptTimes(db, { conversationId, userIds: idList(db, userIds), seq })
}

const lastReported = statement((db, p: { conversationId: string; userId: string }) => {
  const last = (kind: 'delivered' | 'read') =>
    db
      .selectFrom('receipts')
      .select('seq')
      .where('conversation_id', '=', p.conversationId)
      .where('user_id', '=', p.userId)
      .where('kind', '=', kind)
      .orderBy('seq', 'desc')
      .limit(1)
  return db.selectNoFrom([last('delivered').as('delivered_seq'), last('read').as('read_seq')])
})

/** The marks of a participant. */
type Marks = Pick<ParticipantTable, 'delivered_seq' | 'read_seq'>

/**
 * What a participant of a direct conversation has let the other user know of these marks: up to the first message that
 * they received or read during a block, which is not reported even after the block has ended.
 */
export async function findReportedMarks(
  db: Executor,
  conversationId: string,
  userId: string,
  marks: Marks,
): Promise<Marks> {
  const [reported] = await lastReported(db, { conversationId, userId })
  const { delivered_seq: delivered, read_seq: read } = reported ?? { delivered_seq: null, read_seq: null }
  const limitOf = async (above: number, upTo: number) => {
    const first = await findReceivable(db, { conversationId, userId, above, upTo })
    return first === undefined ? upTo : first - 1
  }
  return {
    delivered_seq: await limitOf(
      Math.max(delivered ?? 0, read ?? 0),
      Math.max(marks.delivered_seq, marks.read_seq),
    ),
    read_seq: await limitOf(read ?? 0, marks.read_seq),
  }
}

const marksBefore = statement((db, p: { conversationId: string; userId: string; before: Date }) =>
  db
    .selectFrom('receipts')
    .select('kind')
    .select((eb) => eb.fn.max('seq').as('seq'))
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId)
    .where('receipt_at', '<', p.before)
    .groupBy('kind'),
)

/** The marks of a user as of an earlier time. */
export async function findMarksBefore(
  db: Executor,
  range: { conversationId: string; userId: string; before: Date },
): Promise<Marks> {
  const marks = new Map((await marksBefore(db, range)).map(({ kind, seq }) => [kind, seq]))
  return { delivered_seq: marks.get('delivered') ?? 0, read_seq: marks.get('read') ?? 0 }
}
