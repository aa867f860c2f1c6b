import type { LogType } from '@sotto/contract'
import type { EventTransaction } from '../event-transaction.ts'
import { statement } from '../statement.ts'

export interface NewEvent {
  type: LogType
  /** Null for what concerns one user alone. */
  conversationId: string | null
  /** Who did it, or whom it is about; null for what a service key did to a conversation. */
  userId: string | null
  messageId?: string
  /** The event's place in the conversation: the message's seq, how far a receipt goes, the last seq otherwise. */
  seq: number
  /** A reaction's emoji, a participant's role. */
  detail?: string
  /** The one user whom it is for; otherwise it is for everybody in the conversation. */
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
 * Appends to the event log, in the transaction of the change that it tells.
 *
 * The log holds ids, never content: whoever reads it fetches what it points to as it stands then.
 *
 * @returns the event's id, which within one conversation only grows: whoever writes there has its turn.
 */
export async function append(trx: EventTransaction, event: NewEvent): Promise<number> {
  const [row] = await insertEvent(trx, { messageId: null, detail: null, audienceUserId: null, ...event })
  if (!row) throw new Error('the event was not written')
  return row.id
}
