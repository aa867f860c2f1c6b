import { type Conversation, shownParticipants } from '@sotto/contract'
import {
  type ConversationRow,
  type Executor,
  FIRST_USER_ID,
  type InboxRow,
  type MemberRow,
  store,
  type Viewer,
} from '@sotto/db'
import type { App } from '../app/app.ts'
import type { Runtime } from '../app/runtime.ts'
import { toConversation } from '../views/conversations.ts'

type Needs = Pick<Runtime, 'db'> & { deliveryMarks: Pick<App['deliveryMarks'], 'note'> }

/** Conversations in the shape of the contract, in the given order. */
export async function showConversations(
  { db, deliveryMarks }: Needs,
  rows: readonly InboxRow[],
  viewer: Viewer,
): Promise<Conversation[]> {
  const ids = rows.map((row) => row.id)
  const members = await participantsToShow(db, rows)
  const lastMessages = await store.messages.findLastOfEach(db, ids, viewer)
  if (viewer !== null) deliveryMarks.note(viewer, lastMessages)
  const lastOf = new Map(lastMessages.map((message) => [message.conversation_id, message]))
  return rows.map((row) => {
    const last = row.last_seq > row.after_seq ? lastOf.get(row.id) : undefined
    return toConversation(row, members.get(row.id) ?? [], last, viewer)
  })
}

/** One conversation in the shape of the contract; undefined for users who are not in it. */
export async function showConversation(
  needs: Needs,
  conversation: ConversationRow,
  viewer: Viewer,
): Promise<Conversation | undefined> {
  const withoutViewer = { ...conversation, read_seq: 0, skipped_count: conversation.last_seq, after_seq: 0 }
  // Reads the conversation again: the unread count needs a snapshot of the conversation and the participant.
  const row = viewer === null ? withoutViewer : await store.inbox.find(needs.db, conversation.id, viewer)
  if (!row) return undefined
  const [shown] = await showConversations(needs, [row], viewer)
  return shown
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
