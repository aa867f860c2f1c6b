import { defaultLimit, type Participant } from '@sotto/contract'
import { type ConversationRow, FIRST_USER_ID, type MemberWithMarksRow, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { requireConversation } from '../auth/access.ts'
import { decodeCursor, encodeCursor } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toParticipant } from '../views/conversations.ts'

/** The participants of a conversation, ordered by id. */
export async function listParticipants(
  ctx: CallerContext,
  input: InputOf<'participants', 'list'>,
): Promise<{ items: Participant[]; nextCursor: string | null }> {
  const { members, nextCursor } = await pageOfMembers(ctx, input)
  return { items: members.map(toParticipant), nextCursor }
}

interface MemberPage {
  conversation: ConversationRow
  members: readonly MemberWithMarksRow[]
  nextCursor: string | null
}

/** A page of the participants of a conversation that the caller can see. */
export async function pageOfMembers(
  ctx: CallerContext,
  input: { conversationId: string; limit?: number | undefined; cursor?: string | undefined },
): Promise<MemberPage> {
  const conversation = await requireConversation(ctx, input.conversationId)
  const limit = input.limit ?? defaultLimit
  const [after] = input.cursor === undefined ? [FIRST_USER_ID] : decodeCursor('participants', input.cursor)
  const rows = await store.participants.listMembers(ctx.app.db, conversation.id, after, limit + 1)
  const page = pageOf(rows, limit, (last) => encodeCursor('participants', [last.id]))
  return {
    conversation,
    members: page.rows,
    nextCursor: page.nextCursor,
  }
}
