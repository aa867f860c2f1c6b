import type { Conversation, Event, ParticipantRole } from '@sotto/contract'
import { type EventRow, type Executor, type MessageRow, parseReactions, store, type Viewer } from '@sotto/db'
import { toMessage } from '../views/messages.ts'

/** The messages that log rows refer to, by id, not yet personalized for a viewer. */
export type EventMessages = ReadonlyMap<string, MessageRow>

/** Returns a conversation as a participant or a bare service key (null) sees it; undefined for other viewers. */
export type ShowConversation = (conversationId: string, viewer: Viewer) => Promise<Conversation | undefined>

/** Fetches the messages that log rows refer to: a row has only the id. */
export async function findEventMessages(db: Executor, rows: readonly EventRow[]): Promise<EventMessages> {
  const ids = new Set(rows.flatMap((row) => row.message_id ?? []))
  const messages = await store.messages.findMany(db, [...ids], null)
  return new Map(messages.map((message) => [message.id, message]))
}

/** Whether a user has left the group of a message that has changed, and so may not see its current state. */
export type HasLeft = (message: MessageRow, userId: string) => boolean

/**
 * Finds which of these users have left the groups of messages that have changed.
 *
 * Call it after fetching the messages: users who are still in the group may see the fetched version.
 */
export async function findFormerReaders(
  db: Executor,
  messages: EventMessages,
  userIds: readonly string[],
): Promise<HasLeft> {
  const changed = [...messages.values()].filter(isChangedInGroup)
  const conversationIds = [...new Set(changed.map((message) => message.conversation_id))]
  const present = await store.participants.findPresent(db, conversationIds, userIds)
  const keys = new Set(present.map((row) => `${row.conversation_id}:${row.user_id}`))
  return (message, userId) => isChangedInGroup(message) && !keys.has(`${message.conversation_id}:${userId}`)
}

function isChangedInGroup(message: MessageRow): boolean {
  return message.recipient_id === null && (message.edited_at !== null || message.reactions !== null)
}

interface Sources {
  db: Executor
  showConversation: ShowConversation
  messages: EventMessages
  hasLeft: HasLeft
}

interface View {
  event: Event
  message?: MessageRow
}

/**
 * Returns the event of a log row as a user or a bare service key (null) sees it. Undefined if its subject no longer
 * exists, or if the viewer is null and the event is about a contact.
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
      const reactions = viewer !== null && sources.hasLeft(message, viewer) ? [] : countReactions(message)
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
      // For these types, detail is a role.
      return { event: { ...base, type, userId, role: row.detail as ParticipantRole } }
    case 'contact.updated':
      return undefined
    default:
      // Written by a newer server on the same database.
      void (type satisfies never)
      return undefined
  }
}

/**
 * Users with the same key see the same event, so it is created and serialized once for all of them. Undefined if the
 * event may differ for each user.
 */
export function viewKey({ messages, hasLeft }: Sources, row: EventRow, userId: string): string | undefined {
  const message = messages.get(row.message_id ?? '')
  switch (row.type) {
    case 'message.created':
    case 'message.edited':
    case 'message.deleted':
      if (message && (message.reactions !== null || hasLeft(message, userId))) return undefined
      // Only the sender sees clientMessageId.
      return message?.sender_id === userId ? 'sender' : 'all'
    case 'reaction.added':
    case 'reaction.removed':
      return message && hasLeft(message, userId) ? 'former' : 'all'
    case 'receipt.delivered':
    case 'receipt.read':
    case 'participant.joined':
    case 'participant.left':
    case 'participant.updated':
      return 'all'
    case 'conversation.created':
    case 'conversation.updated':
    case 'contact.updated':
      return undefined
    default:
      // Written by a newer server on the same database.
      void (row.type satisfies never)
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

/**
 * The message for a viewer. Fetched again only if it has reactions, to find the viewer's own, or if the viewer may not
 * see its current state.
 */
async function messageFor(
  { db, messages, hasLeft }: Sources,
  messageId: string | null,
  viewer: Viewer,
): Promise<MessageRow | undefined> {
  const message = messages.get(messageId ?? '')
  if (!message || viewer === null) return message
  if (!message.reactions && !hasLeft(message, viewer)) return message
  const [own] = await store.messages.findMany(db, [message.id], viewer)
  return own
}
