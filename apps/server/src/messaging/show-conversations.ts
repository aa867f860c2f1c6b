import { type Conversation, shownParticipants } from '@sotto/contract'
import {
  type ConversationRow,
  type Executor,
  type InboxRow,
  type MemberRow,
  type MessageRow,
  store,
  type Viewer,
} from '@sotto/db'
import { toConversation } from '../views/conversations.ts'

type OnRead = (lastMessages: readonly MessageRow[]) => void

/**
 * Conversations in the shape of the contract, in the given order.
 *
 * @param onRead receives the last messages, which count as delivered once the response has been written.
 */
export async function showConversations(
  db: Executor,
  rows: readonly InboxRow[],
  viewer: Viewer,
  onRead?: OnRead,
): Promise<Conversation[]> {
  const ids = rows.map((row) => row.id)
  const members = await participantsToShow(db, rows)
  const lastMessages = await store.messages.findLastOfEach(db, ids, viewer)
  onRead?.(lastMessages)
  const lastOf = new Map(lastMessages.map((message) => [message.conversation_id, message]))
  return rows.map((row) => {
    const last = row.last_seq > row.after_seq ? lastOf.get(row.id) : undefined
    return toConversation(row, members.get(row.id) ?? [], last, viewer)
  })
}

/** One conversation in the shape of the contract; undefined for users who are not in it. */
export async function showConversation(
  db: Executor,
  conversation: ConversationRow,
  viewer: Viewer,
  onRead?: OnRead,
): Promise<Conversation | undefined> {
  // Reads the conversation again: the unread count needs a snapshot of the conversation and the participant.
  const row =
    viewer === null ? withoutViewer(conversation) : await store.inbox.find(db, conversation.id, viewer)
  if (!row) return undefined
  const [shown] = await showConversations(db, [row], viewer, onRead)
  return shown
}

/** A group as a user who has left it sees it: as it was then, without its participants. */
export async function showLeftConversation(
  db: Executor,
  conversation: ConversationRow,
  userId: string,
): Promise<Conversation | undefined> {
  const stay = await store.participants.findLastStay(db, conversation.id, userId)
  if (!stay) return undefined
  const lastSeq = stay.until_seq ?? conversation.last_seq
  const range = { viewer: userId, conversationId: conversation.id, above: stay.after_seq, below: lastSeq + 1 }
  const [last] = await store.messages.list(db, { ...range, limit: 1 }, 'newest first')
  return toConversation(
    {
      ...conversation,
      name: stay.name,
      last_seq: lastSeq,
      participant_count: 0,
      updated_at: last?.created_at ?? conversation.created_at,
      read_seq: stay.read_seq,
      skipped_count: lastSeq - stay.read_seq,
      after_seq: stay.after_seq,
    },
    [],
    last,
    userId,
  )
}

/** The participants shown with each conversation, ordered by username. */
export async function participantsToShow(
  db: Executor,
  rows: readonly ConversationRow[],
): Promise<ReadonlyMap<string, readonly MemberRow[]>> {
  const isSmall = (row: ConversationRow) => row.participant_count <= shownParticipants
  const idsOf = (some: readonly ConversationRow[]) => [...new Set(some.map((row) => row.id))]
  const all = await store.participants.findMembers(db, idsOf(rows.filter(isSmall)))
  const large = idsOf(rows.filter((row) => !isSmall(row)))
  const first = await store.participants.findFirstMembers(db, large, shownParticipants)
  return Map.groupBy([...all, ...first], (member) => member.conversation_id)
}

/**
 * Conversations for several viewers, with a fixed number of queries: participants see them as they are now, and so do
 * bare service keys. The result is undefined for users who are not in the conversation.
 */
export async function loadConversations(
  db: Executor,
  wanted: readonly { conversationId: string; viewer: Viewer }[],
): Promise<(conversationId: string, viewer: Viewer) => Conversation | undefined> {
  const keyOf = (conversationId: string, viewer: Viewer) => `${conversationId} ${viewer}`
  const rows = new Map<string, InboxRow>()
  const ofUsers = wanted.flatMap(({ conversationId, viewer }) =>
    viewer === null ? [] : [{ conversationId, userId: viewer }],
  )
  for (const { user_id: userId, ...row } of await store.inbox.findForEach(db, ofUsers)) {
    rows.set(keyOf(row.id, userId), row)
  }
  const ofKeys = wanted.filter(({ viewer }) => viewer === null).map(({ conversationId }) => conversationId)
  for (const row of await store.conversations.findMany(db, [...new Set(ofKeys)])) {
    rows.set(keyOf(row.id, null), withoutViewer(row))
  }
  const members = await participantsToShow(db, [...rows.values()])
  const wantedMessages = wanted.flatMap(({ conversationId, viewer }) => {
    const row = rows.get(keyOf(conversationId, viewer))
    return row && row.last_seq > row.after_seq ? [{ conversationId, viewer, seq: row.last_seq }] : []
  })
  const lastMessages = new Map(
    (await store.messages.findForEach(db, wantedMessages)).map(({ message, viewer }) => [
      keyOf(message.conversation_id, viewer),
      message,
    ]),
  )
  return (conversationId, viewer) => {
    const key = keyOf(conversationId, viewer)
    const row = rows.get(key)
    return row && toConversation(row, members.get(conversationId) ?? [], lastMessages.get(key), viewer)
  }
}

/** A conversation for a bare service key, which has read nothing and misses nothing. */
function withoutViewer(conversation: ConversationRow): InboxRow {
  return { ...conversation, read_seq: 0, skipped_count: conversation.last_seq, after_seq: 0 }
}
