import type { Conversation } from '@sotto/contract'
import {
  type ConversationRow,
  findLastMessages,
  findMembers,
  findParticipant,
  toMessage,
  toPublicUser,
  type Viewer,
} from '@sotto/db'
import type { App } from '../context.ts'

type Needs = Pick<App, 'db'> & { deliveryMarks: Pick<App['deliveryMarks'], 'note'> }

/** Unread messages are told exactly up to 999; this means that many or more. */
const MANY_UNREAD = 1_000

export type ShownRow = ConversationRow & { read_seq: number; unread_count: number }

/** Conversations as the contract has them, in the given order. */
export async function showConversations(
  { db, deliveryMarks }: Needs,
  rows: readonly ShownRow[],
  viewer: Viewer,
): Promise<Conversation[]> {
  const ids = rows.map((row) => row.id)
  const members = Map.groupBy(await findMembers(db, ids), (member) => member.conversation_id)
  const lastMessages = await findLastMessages(db, ids, viewer)
  if (viewer !== null) deliveryMarks.note(viewer, lastMessages)
  const lastOf = new Map(lastMessages.map((message) => [message.conversation_id, message]))
  return rows.map((row) => {
    const last = lastOf.get(row.id)
    return {
      id: row.id,
      kind: row.kind,
      name: row.name,
      participants: (members.get(row.id) ?? []).map((member) => ({
        user: toPublicUser(member),
        role: member.role,
      })),
      lastMessage: last ? toMessage(last, viewer) : null,
      lastSeq: row.last_seq,
      readSeq: row.read_seq,
      unreadCount: boundUnread(row.unread_count),
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }
  })
}

/** One conversation as the contract has it; undefined for a user who is not in it. */
export async function showConversation(
  needs: Needs,
  conversation: ConversationRow,
  viewer: Viewer,
): Promise<Conversation | undefined> {
  const nobodys = { read_seq: 0, unread_count: 0 }
  const mine = viewer === null ? nobodys : await findParticipant(needs.db, conversation.id, viewer)
  if (!mine) return undefined
  const { read_seq, unread_count } = mine
  const [shown] = await showConversations(needs, [{ ...conversation, read_seq, unread_count }], viewer)
  return shown
}

export function boundUnread(count: number): number {
  return Math.min(count, MANY_UNREAD)
}
