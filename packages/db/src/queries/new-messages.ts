import { type Expression, type QueryCreator, type SqlBool, sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { type Given, givenRow, givenRows } from '../dialect/expressions.ts'
import type { EventTransaction } from '../event-transaction.ts'
import { type MessageTable, messageColumns, namesOf } from '../message-table.ts'
import type { Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { MessageRow } from './messages.ts'

/*
 * What sends write: the next number of each conversation, the message that has it, what it counts for, and its event.
 *
 * On PostgreSQL it is one statement for all messages that were ready at the same time, since a round trip costs more
 * than any of the four. SQLite has none to save, and would take longer to join the rows of a JSON than to run the four
 * for each message.
 */

/** What a send fills in: all but the number, which is taken as it is written, and what changes later. */
const {
  seq: _seq,
  reactions: _reactions,
  edited_at: _editedAt,
  deleted_at: _deletedAt,
  ...sentColumns
} = messageColumns
const sentColumnNames = namesOf(sentColumns)

/** A message without its number. `created_at` must not be before the conversation's `updated_at`. */
export type NewMessage = Pick<MessageTable, keyof typeof sentColumns> & Pick<MessageRow, 'sender'>

/** Null until something happens to the message. */
const untouched = {
  reactions: null,
  edited_at: null,
  deleted_at: null,
  delivered_at: null,
  read_at: null,
  my_emojis: null,
} as const satisfies Partial<MessageRow>

/** Whose row changes with a message: both of a direct conversation; in a group its sender alone, however many there are. */
const concernedColumns = {
  conversation_id: 'uuid',
  user_id: 'uuid',
  is_sender: 'boolean',
  active_at: 'timestamptz',
} as const
/** The number that each conversation's message has. */
const takenColumns = { conversation_id: 'uuid', seq: 'bigint' } as const

type Row<Columns> = { [Name in keyof Columns]: unknown }
type Sent = Row<typeof sentColumns>
type Concerned = Row<typeof concernedColumns>

type Writer = QueryCreator<
  Schema & {
    sent: Given<typeof sentColumns> & { kind: MessageTable['kind'] }
    concerned: Given<typeof concernedColumns>
    taken: Given<typeof takenColumns>
  }
>

function takeNumbers(writer: Writer) {
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

function count(writer: Writer) {
  return writer
    .updateTable('participants')
    .from(['concerned', 'taken'])
    .set((eb) => {
      const isSender = eb('concerned.is_sender', '=', eb.lit(true))
      // The sender's read mark follows a message that it stood right before; any other message of theirs is skipped.
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

function tell(writer: Writer) {
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
      db.selectFrom(givenRows(db, p.concerned, concernedColumns)).selectAll('given'),
    ) as unknown as Writer
  return writer
    .with('taken', takeNumbers)
    .with('counted', count)
    .with('added', insertMessages)
    .with('told', tell)
    .selectFrom('taken')
    .select(['conversation_id', 'seq'])
})

async function together(trx: Executor, messages: readonly NewMessage[]) {
  const sent = JSON.stringify(messages)
  const concerned = JSON.stringify(messages.flatMap(concernedRows))
  return inOneStatement(trx, { sent, concerned })
}

type Numbered = { seq: number }

/** Each table that is read is one row, whose columns are parameters of the same names. */
const steps = {
  takeNumber: statement((db, p: Sent) => takeNumbers(db.with('sent', () => oneOf(db, p, sentColumns)))),
  count: statement((db, p: Concerned & Numbered) =>
    count(
      db
        .with('concerned', () => oneOf(db, p, concernedColumns))
        .with('taken', () => oneOf(db, p, takenColumns)) as unknown as Writer,
    ),
  ),
  add: statement((db, p: Sent & Numbered) => insertMessages(withNumbered(db, p))),
  tell: statement((db, p: Sent & Numbered) => tell(withNumbered(db, p))),
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
    const taken = await steps.takeNumber(trx, message)
    for (const { seq } of taken) {
      for (const one of concernedRows(message)) {
        await steps.count(trx, { ...one, is_sender: Number(one.is_sender), seq })
      }
      await steps.add(trx, { ...message, seq })
      await steps.tell(trx, { ...message, seq })
    }
    all.push(...taken)
  }
  return all
}

/**
 * Adds messages to conversations whose turns the transaction holds, each to another one: it takes the next number,
 * which a rollback gives back, counts for whom it concerns, and tells of itself. The senders are in them.
 *
 * @returns their rows in the same order, each as `messages.find` reads it for its sender.
 */
export async function add(trx: EventTransaction, messages: readonly NewMessage[]): Promise<MessageRow[]> {
  const taken = await (isPostgres(trx) ? together : oneByOne)(trx, messages)
  const seqs = new Map(taken.map((row) => [row.conversation_id, row.seq]))
  return messages.map((message) => {
    const seq = seqs.get(message.conversation_id)
    if (seq === undefined) throw new Error(`conversation ${message.conversation_id} is gone`)
    return { ...message, ...untouched, seq }
  })
}

function concernedRows(message: NewMessage): Concerned[] {
  const { conversation_id, sender_id, recipient_id, created_at } = message
  // The inbox and the correspondents are ordered by it, in direct conversations.
  const row = { conversation_id, active_at: recipient_id === null ? null : created_at }
  const sender = { ...row, user_id: sender_id, is_sender: true }
  if (recipient_id === null || recipient_id === sender_id) return [sender]
  return [sender, { ...row, user_id: recipient_id, is_sender: false }]
}
