import type { Conversation, Event, ParticipantRole } from '@sotto/contract'
import {
  type EventRow,
  type Executor,
  findContact,
  findMessages,
  type MessageRow,
  parseReactions,
  toMessage,
  type Viewer,
} from '@sotto/db'

/** The messages that log rows point to, in nobody's eyes yet. */
export type ShownMessages = ReadonlyMap<string, MessageRow>

/** A conversation as a user in it sees it, or as who reads everything does (null); undefined for anybody else. */
export type ShowConversation = (conversationId: string, viewer: Viewer) => Promise<Conversation | undefined>

/** Fetches what log rows point to, as it stands now: the log itself has ids alone. */
export async function findShownMessages(db: Executor, rows: readonly EventRow[]): Promise<ShownMessages> {
  const ids = new Set(rows.flatMap((row) => row.message_id ?? []))
  const messages = await findMessages(db, [...ids], null)
  return new Map(messages.map((message) => [message.id, message]))
}

interface Sources {
  db: Executor
  showConversation: ShowConversation
  messages: ShownMessages
}

interface View {
  event: Event
  message?: MessageRow
}

/**
 * A log row as one user sees it, or as who reads everything does (null); undefined when what it tells of is gone, and
 * for what concerns one user alone in the eyes of nobody.
 */
export async function viewOf(sources: Sources, row: EventRow, viewer: Viewer): Promise<View | undefined> {
  const { conversation_id: conversationId, user_id: userId, message_id: messageId, type } = row
  if (conversationId === null) {
    return type === 'contact.updated' && viewer !== null ? contactView(sources, row, viewer) : undefined
  }
  const base = { id: String(row.id), conversationId, at: row.created_at }
  if (type === 'conversation.created' || type === 'conversation.updated') {
    const conversation = await sources.showConversation(conversationId, viewer)
    return conversation && { event: { ...base, type, conversation } }
  }
  if (userId === null) return undefined
  switch (type) {
    case 'message.created':
    case 'message.edited':
    case 'message.deleted': {
      const message = await inTheEyesOf(sources, messageId, viewer)
      return message && { event: { ...base, type, message: toMessage(message, viewer) }, message }
    }
    case 'reaction.added':
    case 'reaction.removed': {
      const message = sources.messages.get(messageId ?? '')
      if (!message || row.detail === null) return undefined
      const reactions = countReactions(message)
      return { event: { ...base, type, messageId: message.id, userId, emoji: row.detail, reactions } }
    }
    case 'receipt.delivered':
    case 'receipt.read': {
      const kind = type === 'receipt.read' ? 'read' : 'delivered'
      return { event: { ...base, type: 'receipt.updated', userId, kind, seq: row.seq ?? 0 } }
    }
    case 'participant.joined':
    case 'participant.left':
    case 'participant.updated':
      // What the log holds is what the server wrote there.
      return { event: { ...base, type, userId, role: row.detail as ParticipantRole } }
  }
}

function countReactions({ deleted_at: deletedAt, reactions }: MessageRow) {
  return parseReactions(deletedAt === null ? reactions : null).map(([emoji, count]) => ({ emoji, count }))
}

async function contactView(
  { db }: Sources,
  { id, user_id: userId, created_at: at }: EventRow,
  viewer: string,
): Promise<View | undefined> {
  if (userId === null) return undefined
  const state = (await findContact(db, viewer, userId))?.state ?? 'none'
  return { event: { id: String(id), type: 'contact.updated', conversationId: null, at, userId, state } }
}

/** Which reactions are the viewer's own is asked only where there are any. */
async function inTheEyesOf(
  { db, messages }: Sources,
  messageId: string | null,
  viewer: Viewer,
): Promise<MessageRow | undefined> {
  const message = messages.get(messageId ?? '')
  if (!message?.reactions || viewer === null) return message
  const [own] = await findMessages(db, [message.id], viewer)
  return own
}
