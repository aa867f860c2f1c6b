import { type Conversation, shownParticipants } from '@sotto/contract'
import {
  type ConversationRow,
  type Executor,
  FIRST_USER_ID,
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
  const withoutViewer = { ...conversation, read_seq: 0, skipped_count: conversation.last_seq, after_seq: 0 }
  // Reads the conversation again: the unread count needs a snapshot of the conversation and the participant.
  const row = viewer === null ? withoutViewer : await store.inbox.find(db, conversation.id, viewer)
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
  const few = rows.filter((row) => row.participant_count <= shownParticipants).map((row) => row.id)
  const members = Map.groupBy(
    await store.participants.findMembers(db, few),
    (member) => member.conversation_id,
  )
  for (const row of rows) {
    if (row.participant_count <= shownParticipants) continue
    const first = await store.participants.listMembers(db, row.id, FIRST_USER_ID, shownParticipants)
    members.set(
      row.id,
      first.sort((a, b) => (a.username < b.username ? -1 : 1)),
    )
  }
  return members
}
