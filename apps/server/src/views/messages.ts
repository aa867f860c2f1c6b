import type { Message } from '@sotto/contract'
import { type MessageRow, parseReactions, type Viewer } from '@sotto/db'

/** A message as a viewer sees it. */
export function toMessage(row: MessageRow, viewer: Viewer): Message {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    seq: row.seq,
    senderId: row.sender_id,
    sender: row.sender,
    kind: row.kind,
    text: row.text,
    ...mediaOf(row.kind, row.media === null ? null : JSON.parse(row.media)),
    clientMessageId: row.sender_id === viewer ? row.client_message_id : null,
    createdAt: row.created_at,
    editedAt: row.edited_at,
    deletedAt: row.deleted_at,
    deliveredAt: receiptTime(row.delivered_at, row.created_at),
    readAt: receiptTime(row.read_at, row.created_at),
    reactions: row.deleted_at === null ? toReactions(row) : [],
  }
}

/** A message is never delivered or read before it was sent, even if the clocks of two servers differ. */
export function receiptTime(at: Date | null, sentAt: Date): Date | null {
  return at !== null && at < sentAt ? sentAt : at
}

/** The kind determines the type of the `media` column. */
function mediaOf(kind: Message['kind'], media: unknown): Pick<Message, 'image' | 'video'> {
  return {
    image: kind === 'image' ? (media as Message['image']) : null,
    video: kind === 'video' ? (media as Message['video']) : null,
  }
}

function toReactions(row: MessageRow): Message['reactions'] {
  if (row.reactions === null) return []
  const mine = row.my_emojis === null ? [] : (JSON.parse(row.my_emojis) as string[])
  return parseReactions(row.reactions).map(([emoji, count]) => ({ emoji, count, byMe: mine.includes(emoji) }))
}
