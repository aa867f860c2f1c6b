import { type Expression, type QueryCreator, type SqlBool, sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { type Given, givenRow, givenRows } from '../dialect/expressions.ts'
import type { EventTransaction } from '../event-transaction.ts'
import { type MessageTable, messageColumns, namesOf } from '../message-table.ts'
import type { Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { MessageRow } from './messages.ts'

/*
 * The writes of a send: the next seq of the conversation, the message, the participants' counters, and the event.
 *
 * PostgreSQL does this in one statement for all messages that are ready at the same time, because a round trip costs
 * more than any of the four steps. SQLite has no round trips to save, and joining rows from JSON would take longer than
 * running the four statements per message.
 */

/** The columns a send fills in: all except the seq, which is assigned on insert, and those that change later. */
const {
  seq: _seq,
  reactions: _reactions,
  edited_at: _editedAt,
  deleted_at: _deletedAt,
  ...sentColumns
} = messageColumns
const sentColumnNames = namesOf(sentColumns)

/** A message without its seq. `created_at` becomes the conversation's `updated_at`. */
export type NewMessage = Pick<MessageTable, keyof typeof sentColumns> & Pick<MessageRow, 'sender'>

/** The fields of a message that are null when it is new. */
const untouched = {
  reactions: null,
  edited_at: null,
  deleted_at: null,
  delivered_at: null,
  read_at: null,
  my_emojis: null,
} as const satisfies Partial<MessageRow>

/**
 * The participants whose rows a message changes: both in a direct conversation, only the sender in a group of any size.
 */
const affectedColumns = {
  conversation_id: 'uuid',
  user_id: 'uuid',
  is_sender: 'boolean',
  active_at: 'timestamptz',
} as const
/** The seq assigned to the message of each conversation. */
const takenColumns = { conversation_id: 'uuid', seq: 'bigint' } as const

type Row<Columns> = { [Name in keyof Columns]: unknown }
type Sent = Row<typeof sentColumns>
type Affected = Row<typeof affectedColumns>

type Writer = QueryCreator<
  Schema & {
    sent: Given<typeof sentColumns> & { kind: MessageTable['kind'] }
    concerned: Given<typeof affectedColumns>
    taken: Given<typeof takenColumns>
  }
>

function takeSeqs(writer: Writer) {
  return writer
    .updateTable('conversations')
    .from('sent')
    .set((eb) => ({
      last_seq: eb('conversations.last_seq', '+', 1),
      updated_at: eb.ref('sent.created_at'),
    }))
    .whereRef('conversations.id', '=', 'sent.conversation_id')
    .returning(['conversations.id as conversation_id', 'conversations.last_seq as seq'])
}

function updateCounters(writer: Writer) {
  return writer
    .updateTable('participants')
    .from(['concerned', 'taken'])
    .set((eb) => {
      const isSender = eb('concerned.is_sender', '=', eb.lit(true))
      // If the sender had read everything before this message, their read mark moves past it. Otherwise the message is
      // skipped.
      const isUpToDate = eb('participants.read_seq', '=', eb('taken.seq', '-', 1))
      const oneIf = (condition: Expression<SqlBool>) => eb.case().when(condition).then(1).else(0).end()
      return {
        active_at: eb.fn.coalesce('concerned.active_at', 'participants.active_at'),
        sent_count: eb('participants.sent_count', '+', oneIf(isSender)),
        skipped_count: eb('participants.skipped_count', '+', oneIf(eb.and([isSender, eb.not(isUpToDate)]))),
        read_seq: eb
          .case()
          .when(eb.and([isSender, isUpToDate]))
          .then(eb.ref('taken.seq'))
          .else(eb.ref('participants.read_seq'))
          .end(),
      }
    })
    .whereRef('taken.conversation_id', '=', 'concerned.conversation_id')
    .whereRef('participants.conversation_id', '=', 'concerned.conversation_id')
    .whereRef('participants.user_id', '=', 'concerned.user_id')
    .where('participants.left_at', 'is', null)
}

function numbered(writer: Writer) {
  return writer.selectFrom('sent').innerJoin('taken', 'taken.conversation_id', 'sent.conversation_id')
}

function insertMessages(writer: Writer) {
  return writer
    .insertInto('messages')
    .columns(['seq', ...sentColumnNames])
    .expression(
      numbered(writer).select(['taken.seq', ...sentColumnNames.map((name) => `sent.${name}` as const)]),
    )
}

function appendEvents(writer: Writer) {
  return writer
    .insertInto('events')
    .columns(['type', 'conversation_id', 'user_id', 'message_id', 'seq', 'created_at'])
    .expression(
      numbered(writer)
        .select(sql.lit('message.created' as const).as('type'))
        .select(['sent.conversation_id', 'sent.sender_id', 'sent.id', 'taken.seq', 'sent.created_at']),
    )
}

interface Sends {
  sent: string
  concerned: string
}

const inOneStatement = statement((db, p: Sends) => {
  const writer = db
    .with('sent', () => db.selectFrom(givenRows(db, p.sent, sentColumns)).selectAll('given'))
    .with('concerned', () =>
      db.selectFrom(givenRows(db, p.concerned, affectedColumns)).selectAll('given'),
    ) as unknown as Writer
  return writer
    .with('taken', takeSeqs)
    .with('counted', updateCounters)
    .with('added', insertMessages)
    .with('told', appendEvents)
    .selectFrom('taken')
    .select(['conversation_id', 'seq'])
})

async function together(trx: Executor, messages: readonly NewMessage[]) {
  const sent = JSON.stringify(messages)
  const concerned = JSON.stringify(messages.flatMap(affectedRows))
  return inOneStatement(trx, { sent, concerned })
}

type Numbered = { seq: number }

/** Each table read is a single row, whose columns are parameters of the same names. */
const steps = {
  takeSeq: statement((db, p: Sent) => takeSeqs(db.with('sent', () => oneOf(db, p, sentColumns)))),
  updateCounters: statement((db, p: Affected & Numbered) =>
    updateCounters(
      db
        .with('concerned', () => oneOf(db, p, affectedColumns))
        .with('taken', () => oneOf(db, p, takenColumns)) as unknown as Writer,
    ),
  ),
  insertMessage: statement((db, p: Sent & Numbered) => insertMessages(withNumbered(db, p))),
  appendEvent: statement((db, p: Sent & Numbered) => appendEvents(withNumbered(db, p))),
}

function withNumbered(db: Executor, p: Sent & Numbered): Writer {
  return db
    .with('sent', () => oneOf(db, p, sentColumns))
    .with('taken', () => oneOf(db, p, takenColumns)) as unknown as Writer
}

function oneOf<Columns extends Parameters<typeof givenRow>[1]>(
  db: Executor,
  p: Row<Columns>,
  columns: Columns,
) {
  return db.selectFrom(givenRow(p, columns)).selectAll('given')
}

async function oneByOne(trx: Executor, messages: readonly NewMessage[]) {
  const all: Given<typeof takenColumns>[] = []
  for (const message of messages) {
    const taken = await steps.takeSeq(trx, message)
    for (const { seq } of taken) {
      for (const one of affectedRows(message)) {
        await steps.updateCounters(trx, { ...one, is_sender: Number(one.is_sender), seq })
      }
      await steps.insertMessage(trx, { ...message, seq })
      await steps.appendEvent(trx, { ...message, seq })
    }
    all.push(...taken)
  }
  return all
}

/**
 * Adds messages, each to a different conversation. Requires the conversation locks, and the senders must be
 * participants. Assigns the next seq, which a rollback frees, updates the counters and appends the event.
 *
 * @returns the messages in the same order, as `messages.find` returns them to their senders.
 */
export async function add(trx: EventTransaction, messages: readonly NewMessage[]): Promise<MessageRow[]> {
  const taken = await (isPostgres(trx) ? together : oneByOne)(trx, messages)
  const seqs = new Map(taken.map((row) => [row.conversation_id, row.seq]))
  return messages.map((message) => {
    const seq = seqs.get(message.conversation_id)
    if (seq === undefined) throw new Error(`conversation ${message.conversation_id} does not exist`)
    return { ...message, ...untouched, seq }
  })
}

function affectedRows(message: NewMessage): Affected[] {
  const { conversation_id, sender_id, recipient_id, created_at } = message
  // In direct conversations, the inbox and the list of correspondents are ordered by it.
  const row = { conversation_id, active_at: recipient_id === null ? null : created_at }
  const sender = { ...row, user_id: sender_id, is_sender: true }
  if (recipient_id === null || recipient_id === sender_id) return [sender]
  return [sender, { ...row, user_id: recipient_id, is_sender: false }]
}
