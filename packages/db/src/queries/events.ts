import { type Executor, statement } from '../statement.ts'

export type EventType =
  | 'message.created'
  | 'message.edited'
  | 'message.deleted'
  | 'reaction.added'
  | 'reaction.removed'
  | 'receipt.delivered'
  | 'receipt.read'
  | 'conversation.created'

export interface NewEvent {
  type: EventType
  conversationId: string
  /** Who did it. */
  userId: string
  messageId: string | null
  /** The event's place in the conversation: the message's seq, how far a receipt goes, the last seq otherwise. */
  seq: number
  emoji: string | null
  at: Date
}

const insertEvent = statement((db, p: NewEvent) =>
  db.insertInto('events').values({
    type: p.type,
    conversation_id: p.conversationId,
    audience_user_id: null,
    user_id: p.userId,
    message_id: p.messageId,
    seq: p.seq,
    emoji: p.emoji,
    created_at: p.at,
  }),
)

/**
 * Appends to the event log, in the transaction of the change that it tells.
 *
 * The log holds ids, never content: whoever reads it fetches what it points to as it stands then.
 */
export async function appendEvent(trx: Executor, event: NewEvent): Promise<void> {
  await insertEvent(trx, event)
}
