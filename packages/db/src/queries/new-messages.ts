import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { MessageTable, Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { eventInsert } from './events.ts'

/*
 * What a send writes: the conversation's next number, the message that has it, what it counts for, and its event.
 *
 * On PostgreSQL it is one statement, since a round trip costs more than any of the four; SQLite has none to save,
 * and cannot write to several tables in one.
 */

export interface NewMessage {
  id: string
  conversationId: string
  senderId: string
  /** The other one of a direct conversation; null in groups. */
  recipientId: string | null
  kind: MessageTable['kind']
  text: string | null
  media: string | null
  clientMessageId: string | null
  contentHash: string | null
  /** Not before the conversation's `updated_at`. */
  at: Date
}

/** The message's number, or where the statement finds it. */
type Seq = Expression<number>

function seqTaken(db: Executor, p: NewMessage) {
  return db
    .updateTable('conversations')
    .set((eb) => ({ last_seq: eb('last_seq', '+', 1), updated_at: p.at }))
    .where('id', '=', p.conversationId)
    .returning('last_seq')
}

function messageAdded(db: Executor, p: NewMessage, seq: Seq) {
  return db.insertInto('messages').values({
    id: p.id,
    conversation_id: p.conversationId,
    seq,
    sender_id: p.senderId,
    recipient_id: p.recipientId,
    kind: p.kind,
    text: p.text,
    media: p.media,
    client_message_id: p.clientMessageId,
    content_hash: p.contentHash,
    reactions: null,
    created_at: p.at,
    edited_at: null,
    deleted_at: null,
  })
}

/** The sender's read mark follows a message that it stood right before; any other message of theirs is skipped. */
function isUpToDate(eb: ExpressionBuilder<Schema, 'participants'>, seq: Seq) {
  return eb('read_seq', '=', eb(seq, '-', 1))
}

/** Both participants of a direct conversation. */
function countedInDirect(db: Executor, p: NewMessage, seq: Seq) {
  return db
    .updateTable('participants')
    .set((eb) => {
      const isSender = eb('user_id', '=', p.senderId)
      const plusOneIf = (column: 'sent_count' | 'skipped_count', condition: Expression<SqlBool>) =>
        eb(column, '+', eb.case().when(condition).then(1).else(0).end())
      return {
        active_at: p.at,
        sent_count: plusOneIf('sent_count', isSender),
        skipped_count: plusOneIf('skipped_count', eb.and([isSender, eb.not(isUpToDate(eb, seq))])),
        read_seq: eb
          .case()
          .when(eb.and([isSender, isUpToDate(eb, seq)]))
          .then(seq)
          .else(eb.ref('read_seq'))
          .end(),
      }
    })
    .where('conversation_id', '=', p.conversationId)
    .returning('user_id')
}

/** The sender alone, however many are in the group. */
function countedInGroup(db: Executor, p: NewMessage, seq: Seq) {
  return db
    .updateTable('participants')
    .set((eb) => ({
      sent_count: eb('sent_count', '+', 1),
      skipped_count: eb('skipped_count', '+', eb.case().when(isUpToDate(eb, seq)).then(0).else(1).end()),
      read_seq: eb.case().when(isUpToDate(eb, seq)).then(seq).else(eb.ref('read_seq')).end(),
    }))
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.senderId)
    .where('left_at', 'is', null)
    .returning('user_id')
}

function eventAppended(db: Executor, p: NewMessage, seq: Seq) {
  return eventInsert(db, {
    type: 'message.created',
    conversationId: p.conversationId,
    audienceUserId: null,
    userId: p.senderId,
    messageId: p.id,
    seq,
    detail: null,
    at: p.at,
  })
}

type Counted = typeof countedInDirect

function inOneStatement(counted: Counted) {
  return statement((db, p: NewMessage) => {
    const seq = sql<number>`(select last_seq from taken)`
    return db
      .with('taken', () => seqTaken(db, p))
      .with('counted', () => counted(db, p, seq))
      .with('added', () => messageAdded(db, p, seq))
      .with('appended', () => eventAppended(db, p, seq))
      .selectFrom('taken')
      .select('last_seq')
      .select((eb) => eb.exists(eb.selectFrom('counted').select('user_id')).as('is_counted'))
  })
}

type Numbered = NewMessage & { seq: number }

const oneByOne = {
  taken: statement(seqTaken),
  added: statement((db, p: Numbered) => messageAdded(db, p, sql<number>`${p.seq}`)),
  appended: statement((db, p: Numbered) => eventAppended(db, p, sql<number>`${p.seq}`)),
}

function inSteps(counted: Counted) {
  const count = statement((db, p: Numbered) => counted(db, p, sql<number>`${p.seq}`))
  return async (trx: Executor, message: NewMessage) => {
    const [taken] = await oneByOne.taken(trx, message)
    if (!taken) return []
    const numbered = { ...message, seq: taken.last_seq }
    const counts = await count(trx, numbered)
    await oneByOne.added(trx, numbered)
    await oneByOne.appended(trx, numbered)
    return [{ last_seq: taken.last_seq, is_counted: counts.length > 0 }]
  }
}

const add = {
  postgres: { direct: inOneStatement(countedInDirect), group: inOneStatement(countedInGroup) },
  sqlite: { direct: inSteps(countedInDirect), group: inSteps(countedInGroup) },
}

/**
 * Adds a message to a conversation whose turn the transaction holds: it takes the next number, which a rollback
 * gives back, counts for whom it concerns, and tells of itself.
 *
 * @returns its number; undefined when the sender is not in the group, and the transaction has to be rolled back.
 */
export async function addMessage(trx: Executor, message: NewMessage): Promise<number | undefined> {
  const kind = message.recipientId === null ? 'group' : 'direct'
  const [row] = await add[isPostgres(trx) ? 'postgres' : 'sqlite'][kind](trx, message)
  if (!row) throw new Error(`conversation ${message.conversationId} is gone`)
  return row.is_counted ? row.last_seq : undefined
}
