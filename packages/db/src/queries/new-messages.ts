import { type Expression, type QueryCreator, type SqlBool, sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { type Given, givenJson, givenRows } from '../dialect/expressions.ts'
import type { MessageTable, Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'

/*
 * What sends write: the next number of each conversation, the message that has it, what it counts for, and its event;
 * for all messages that were ready at the same time together.
 *
 * On PostgreSQL it is one statement, since a round trip costs more than any of the four; SQLite has none to save, and
 * cannot write to several tables in one.
 */

export interface NewMessage {
  id: string
  conversationId: string
  senderId: string
  /** The other one of a direct conversation; null in groups. */
  recipientId: string | null
  kind: MessageTable['kind']
  text: string | null
  /** What the column holds as JSON. */
  media: object | null
  clientMessageId: string | null
  contentHash: string | null
  /** Not before the conversation's `updated_at`. */
  at: Date
}

const sentColumns = {
  id: 'uuid',
  conversation_id: 'uuid',
  sender_id: 'uuid',
  recipient_id: 'uuid',
  kind: 'text',
  text: 'text',
  media: 'json',
  client_message_id: 'text',
  content_hash: 'text',
  created_at: 'timestamptz',
} as const
/** Whose row changes with a message: both of a direct conversation; in a group its sender alone, however many there are. */
const concernedColumns = {
  conversation_id: 'uuid',
  user_id: 'uuid',
  is_sender: 'boolean',
  active_at: 'timestamptz',
} as const
/** The number that each conversation's message has. */
const takenColumns = { conversation_id: 'uuid', seq: 'bigint' } as const

interface Sends {
  sent: string
  concerned: string
}

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

function add(writer: Writer) {
  return writer
    .insertInto('messages')
    .columns([
      'id',
      'conversation_id',
      'seq',
      'sender_id',
      'recipient_id',
      'kind',
      'text',
      'media',
      'client_message_id',
      'content_hash',
      'created_at',
    ])
    .expression(
      numbered(writer).select([
        'sent.id',
        'sent.conversation_id',
        'taken.seq',
        'sent.sender_id',
        'sent.recipient_id',
        'sent.kind',
        'sent.text',
        'sent.media',
        'sent.client_message_id',
        'sent.content_hash',
        'sent.created_at',
      ]),
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

function withSends(db: Executor, p: Sends): Writer {
  return db
    .with('sent', () => db.selectFrom(givenRows(db, p.sent, sentColumns)).selectAll('given'))
    .with('concerned', () =>
      db.selectFrom(givenRows(db, p.concerned, concernedColumns)).selectAll('given'),
    ) as unknown as Writer
}

const inOneStatement = statement((db, p: Sends) =>
  withSends(db, p)
    .with('taken', (writer) => takeNumbers(writer))
    .with('counted', (writer) => count(writer))
    .with('added', (writer) => add(writer))
    .with('told', (writer) => tell(writer))
    .selectFrom('taken')
    .select(['conversation_id', 'seq']),
)

function withNumbers(db: Executor, p: Sends & { taken: string }): Writer {
  return withSends(db, p).with('taken', () =>
    db.selectFrom(givenRows(db, p.taken, takenColumns)).selectAll('given'),
  )
}

const oneByOne = {
  takeNumbers: statement((db, p: Sends) => takeNumbers(withSends(db, p))),
  others: [count, add, tell].map((write) =>
    statement((db, p: Sends & { taken: string }) => write(withNumbers(db, p))),
  ),
}

async function inSteps(trx: Executor, sends: Sends) {
  const taken = await oneByOne.takeNumbers(trx, sends)
  const parameters = { ...sends, taken: givenJson(trx, taken) }
  for (const write of oneByOne.others) await write(trx, parameters)
  return taken
}

/**
 * Adds messages to conversations whose turns the transaction holds, each to another one: it takes the next number,
 * which a rollback gives back, counts for whom it concerns, and tells of itself. The senders are in them.
 *
 * @returns the numbers, by conversation.
 */
export async function addMessages(
  trx: Executor,
  messages: readonly NewMessage[],
): Promise<Map<string, number>> {
  const sent: Record<keyof typeof sentColumns, unknown>[] = messages.map((message) => ({
    id: message.id,
    conversation_id: message.conversationId,
    sender_id: message.senderId,
    recipient_id: message.recipientId,
    kind: message.kind,
    text: message.text,
    media: message.media,
    client_message_id: message.clientMessageId,
    content_hash: message.contentHash,
    created_at: message.at,
  }))
  const sends = { sent: givenJson(trx, sent), concerned: givenJson(trx, messages.flatMap(concernedBy)) }
  const taken = await (isPostgres(trx) ? inOneStatement : inSteps)(trx, sends)
  return new Map(taken.map((row) => [row.conversation_id, row.seq]))
}

function concernedBy(message: NewMessage): Record<keyof typeof concernedColumns, unknown>[] {
  const { conversationId, senderId, recipientId, at } = message
  // The inbox and the correspondents are ordered by it, in direct conversations.
  const active = recipientId === null ? null : at
  const row = { conversation_id: conversationId, active_at: active }
  const sender = { ...row, user_id: senderId, is_sender: true }
  if (recipientId === null || recipientId === senderId) return [sender]
  return [sender, { ...row, user_id: recipientId, is_sender: false }]
}
