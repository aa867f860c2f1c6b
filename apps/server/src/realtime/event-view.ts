import type { Conversation, Event, ParticipantRole } from '@sotto/contract'
import { type EventRow, type Executor, type MessageRow, parseReactions, store, type Viewer } from '@sotto/db'
import { toMessage } from '../views/messages.ts'

/** The messages that log rows refer to, not yet personalized for a viewer. */
export type ShownMessages = ReadonlyMap<string, MessageRow>

/**
 * A conversation as a participant sees it, or as a reader of everything does (null). Undefined for other viewers.
 */
export type ShowConversation = (conversationId: string, viewer: Viewer) => Promise<Conversation | undefined>

/** Fetches the current messages: log rows have ids only. */
export async function findShownMessages(db: Executor, rows: readonly EventRow[]): Promise<ShownMessages> {
  const ids = new Set(rows.flatMap((row) => row.message_id ?? []))
  const messages = await store.messages.findMany(db, [...ids], null)
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
 * A log row as one user sees it, or as a reader of everything does (null). Undefined if its subject is gone, or if it
 * concerns one user only and the viewer is null.
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
      const message = await messageFor(sources, messageId, viewer)
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
      // The server wrote a role there.
      return { event: { ...base, type, userId, role: row.detail as ParticipantRole } }
    case 'contact.updated':
      return undefined
    default:
      // A newer server on the same database may have written it.
      void (type satisfies never)
      return undefined
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
  const state = (await store.contacts.find(db, viewer, userId))?.state ?? 'none'
  return { event: { id: String(id), type: 'contact.updated', conversationId: null, at, userId, state } }
}

/** Fetches the message again only if it has reactions, to mark the viewer's own. */
async function messageFor(
  { db, messages }: Sources,
  messageId: string | null,
  viewer: Viewer,
): Promise<MessageRow | undefined> {
  const message = messages.get(messageId ?? '')
  if (!message?.reactions || viewer === null) return message
  const [own] = await store.messages.findMany(db, [message.id], viewer)
  return own
}
