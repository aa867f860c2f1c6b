import type { Conversation, ConversationSummary, Participant } from '@sotto/contract'
import type { ConversationRow, InboxRow, MemberRow, MessageRow, UserRow, Viewer } from '@sotto/db'
import { toMessage } from './messages.ts'
import { toPublicUser } from './users.ts'

/** Counts are exact up to 999. The value 1,000 means 1,000 or more. */
const MAX_UNREAD_COUNT = 1_000

/** A conversation as a participant sees it, or as a bare service key does (null). */
export function toConversation(
  row: InboxRow,
  members: readonly MemberRow[],
  lastMessage: MessageRow | undefined,
  viewer: Viewer,
): Conversation {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    participants: members.map(toParticipant),
    participantCount: row.participant_count,
    lastMessage: lastMessage ? toMessage(lastMessage, viewer) : null,
    lastSeq: row.last_seq,
    readSeq: row.read_seq,
    unreadCount: unreadOf(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** A conversation as admins see it without being participants. */
export function toConversationSummary(
  row: ConversationRow,
  members: readonly MemberRow[],
): ConversationSummary {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    participants: members.map(toParticipant),
    participantCount: row.participant_count,
    lastSeq: row.last_seq,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** The number of messages that a participant has not read. */
export function unreadOf(state: Pick<InboxRow, 'last_seq' | 'read_seq' | 'skipped_count'>): number {
  return Math.min(state.last_seq - state.read_seq - state.skipped_count, MAX_UNREAD_COUNT)
}

export function toParticipant(member: UserRow & Pick<MemberRow, 'role'>): Participant {
  return { user: toPublicUser(member), role: member.role }
}
