import type { ContactState, Conversation, Event, ParticipantRole } from '@sotto/contract'
import { type EventRow, type Executor, type MessageRow, parseReactions, store, type Viewer } from '@sotto/db'
import { toMessage } from '../views/messages.ts'

/** A log row and the users, or the bare service key (null), who see its event. */
export interface ViewedRow {
  row: EventRow
  viewers: readonly Viewer[]
}

/** Loads conversations for several viewers. The result is undefined for viewers who are not in the conversation. */
export type LoadConversations = (
  wanted: readonly { conversationId: string; viewer: Viewer }[],
) => Promise<(conversationId: string, viewer: Viewer) => Conversation | undefined>

export interface Sources {
  db: Executor
  loadConversations: LoadConversations
}

/** The current state of what log rows refer to. */
export interface Subjects {
  /** By id, not yet personalized for a viewer. */
  messages: ReadonlyMap<string, MessageRow>
  /** Whether a user has left the group of a message that has changed, and so may not see its current state. */
  hasLeft(message: MessageRow, userId: string): boolean
  /** A message as a viewer may see it. */
  messageFor(message: MessageRow, viewer: Viewer): MessageRow | undefined
  conversationFor(conversationId: string, viewer: Viewer): Conversation | undefined
  contactState(userId: string, contactId: string): ContactState | 'none'
}

/** Loads the subjects of log rows, with a number of queries that does not depend on how many there are. */
export async function loadSubjects(
  { db, loadConversations }: Sources,
  viewed: readonly ViewedRow[],
): Promise<Subjects> {
  const messages = await findMessages(db, viewed)
  // After fetching the messages: users who are still in the group may see the fetched version.
  const hasLeft = await findFormerReaders(db, messages, viewed)
  const pairs = (types: readonly EventRow['type'][]) =>
    viewed.flatMap(({ row, viewers }) =>
      types.includes(row.type) ? viewers.map((viewer) => ({ row, viewer })) : [],
    )

  const personal = pairs(['message.created', 'message.edited', 'message.deleted']).flatMap(
    ({ row: { message_id: id }, viewer }) => {
      const message = messages.get(id ?? '')
      return message && isPersonal(message, viewer) ? [{ message, viewer }] : []
    },
  )
  /** Whether the viewer's own reactions or an earlier state of the message are needed. */
  function isPersonal(message: MessageRow, viewer: Viewer): boolean {
    return viewer !== null && (message.reactions !== null || hasLeft(message, viewer))
  }
  const own = new Map(
    (
      await store.messages.findForEach(
        db,
        personal.map(({ message: { conversation_id: conversationId, seq }, viewer }) => ({
          conversationId,
          seq,
          viewer,
        })),
      )
    ).map(({ message, viewer }) => [`${message.id} ${viewer}`, message]),
  )

  const conversationFor = await loadConversations(
    pairs(['conversation.created', 'conversation.updated']).flatMap(({ row, viewer }) =>
      row.conversation_id === null ? [] : [{ conversationId: row.conversation_id, viewer }],
    ),
  )

  const contacts = pairs(['contact.updated']).flatMap(({ row: { user_id: contactId }, viewer: userId }) =>
    userId === null || contactId === null ? [] : [{ userId, contactId }],
  )
  const states = new Map(
    (await store.contacts.findStates(db, contacts)).map((contact) => [
      `${contact.user_id} ${contact.contact_id}`,
      contact.state,
    ]),
  )

  return {
    messages,
    hasLeft,
    messageFor: (message, viewer) =>
      isPersonal(message, viewer) ? own.get(`${message.id} ${viewer}`) : message,
    conversationFor,
    contactState: (userId, contactId) => states.get(`${userId} ${contactId}`) ?? 'none',
  }
}

async function findMessages(db: Executor, viewed: readonly ViewedRow[]): Promise<Subjects['messages']> {
  const ids = new Set(viewed.flatMap(({ row }) => row.message_id ?? []))
  const messages = await store.messages.findMany(db, [...ids], null)
  return new Map(messages.map((message) => [message.id, message]))
}

async function findFormerReaders(
  db: Executor,
  messages: Subjects['messages'],
  viewed: readonly ViewedRow[],
): Promise<Subjects['hasLeft']> {
  const changed = [...messages.values()].filter(isChangedInGroup)
  const conversationIds = [...new Set(changed.map((message) => message.conversation_id))]
  const userIds = [...new Set(viewed.flatMap(({ viewers }) => viewers.filter((viewer) => viewer !== null)))]
  const present = await store.participants.findPresent(db, conversationIds, userIds)
  const keys = new Set(present.map((row) => `${row.conversation_id}:${row.user_id}`))
  return (message, userId) => isChangedInGroup(message) && !keys.has(`${message.conversation_id}:${userId}`)
}

function isChangedInGroup(message: MessageRow): boolean {
  return message.recipient_id === null && (message.edited_at !== null || message.reactions !== null)
}

interface View {
  event: Event
  message?: MessageRow
}

/**
 * Returns the event of a log row as a user or a bare service key (null) sees it. Undefined if its subject no longer
 * exists, or if the viewer is null and the event is about a contact.
 */
export function viewOf(subjects: Subjects, row: EventRow, viewer: Viewer): View | undefined {
  const { conversation_id: conversationId, user_id: userId, message_id: messageId, type } = row
  if (conversationId === null) {
    return type === 'contact.updated' && viewer !== null ? contactView(subjects, row, viewer) : undefined
  }
  const base = { id: String(row.id), conversationId, at: row.created_at }
  if (type === 'conversation.created' || type === 'conversation.updated') {
    const conversation = subjects.conversationFor(conversationId, viewer)
    return conversation && { event: { ...base, type, conversation } }
  }
  if (userId === null) return undefined
  switch (type) {
    case 'message.created':
    case 'message.edited':
    case 'message.deleted': {
      const found = subjects.messages.get(messageId ?? '')
      const message = found && subjects.messageFor(found, viewer)
      return message && { event: { ...base, type, message: toMessage(message, viewer) }, message }
    }
    case 'reaction.added':
    case 'reaction.removed': {
      const message = subjects.messages.get(messageId ?? '')
      if (!message || row.detail === null) return undefined
      const reactions = viewer !== null && subjects.hasLeft(message, viewer) ? [] : countReactions(message)
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
export function viewKey({ messages, hasLeft }: Subjects, row: EventRow, userId: string): string | undefined {
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

function contactView(
  { contactState }: Subjects,
  { id, user_id: userId, created_at: at }: EventRow,
  viewer: string,
): View | undefined {
  if (userId === null) return undefined
  const state = contactState(viewer, userId)
  return { event: { id: String(id), type: 'contact.updated', conversationId: null, at, userId, state } }
}
