import type { LogType } from '@sotto/contract'
import type { EventTransaction } from '../event-transaction.ts'
import { statement } from '../statement.ts'

export interface NewEvent {
  type: LogType
  /** Null if the event concerns only one user. */
  conversationId: string | null
  /** The user who caused the event, or whom it is about. Null if a service key changed a conversation. */
  userId: string | null
  messageId?: string
  /** The position in the conversation: the seq of the message or receipt, or else the last seq. */
  seq: number
  /** The emoji of a reaction, or the role of a participant. */
  detail?: string
  /** The only user the event is for. Undefined if it is for all participants of the conversation. */
  audienceUserId?: string
  at: Date
}

type EventValues = Required<{ [Name in keyof NewEvent]: NewEvent[Name] | null }>

const insertEvent = statement((db, p: EventValues) =>
  db
    .insertInto('events')
    .values({
      type: p.type as LogType,
      conversation_id: p.conversationId,
      audience_user_id: p.audienceUserId,
      user_id: p.userId,
      message_id: p.messageId,
      seq: p.seq,
      detail: p.detail,
      created_at: p.at as Date,
    })
    .returning('id'),
)

/**
 * Appends to the event log, in the transaction that makes the change.
 *
 * The log holds ids, never content. Readers fetch the current state of what an event refers to.
 *
 * @returns the id of the event. Ids increase within a conversation, whose lock the caller holds.
 */
export async function append(trx: EventTransaction, event: NewEvent): Promise<number> {
  const [row] = await insertEvent(trx, { messageId: null, detail: null, audienceUserId: null, ...event })
  if (!row) throw new Error('the event was not written')
  return row.id
}
