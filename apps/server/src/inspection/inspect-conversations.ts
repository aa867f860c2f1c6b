import { type ConversationSummary, defaultLimit, type Message, SottoError } from '@sotto/contract'
import { type ConversationRow, type Executor, store } from '@sotto/db'
import type { AdminContext, CallerContext } from '../app/context.ts'
import { type AuditAction, recordAudit } from '../audit/record-audit.ts'
import { requireUser } from '../auth/access.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { fullyReadable, messagePageFor } from '../messaging/list-conversation-messages.ts'
import { participantsToShow } from '../messaging/show-conversations.ts'
import { toConversationSummary } from '../views/conversations.ts'

/*
 * Admins' read access to conversations in which they are not participants. Each access is recorded in the audit log
 * before anything is read. If that fails, so does the request.
 */

/** A user's conversations, latest activity first. */
export async function inspectConversations(
  ctx: AdminContext,
  input: InputOf<'inspection', 'conversations'>,
): Promise<{ items: ConversationSummary[]; nextCursor: string | null }> {
  const user = await requireUser(ctx, input.user, 'user')
  const limit = input.limit ?? defaultLimit
  const before = timePosition('inspection', input.cursor)
  await recordAccess(ctx, 'user.conversations_listed', user.id)
  return ctx.app.read(async (db) => {
    const rows = await store.inbox.list(db, user.id, before, limit + 1)
    const page = pageOf(rows, limit, (last) => timeCursor('inspection', last.updated_at, last.id))
    return {
      items: await summarize(db, page.rows),
      nextCursor: page.nextCursor,
    }
  })
}

/** The participants and message count of a conversation. */
export async function inspectConversation(
  ctx: AdminContext,
  { conversationId }: InputOf<'inspection', 'conversation'>,
): Promise<ConversationSummary> {
  const conversation = await requireAnyConversation(ctx, conversationId)
  await recordAccess(ctx, 'conversation.inspected', conversation.id)
  const [summary] = await summarize(ctx.app.db, [conversation])
  if (!summary) throw new SottoError('CONVERSATION_NOT_FOUND')
  return summary
}

/** The messages of a conversation, not personalized for a viewer. */
export async function inspectMessages(
  ctx: AdminContext,
  input: InputOf<'inspection', 'messages'>,
): Promise<{ items: Message[]; nextCursor: string | null }> {
  const conversation = await requireAnyConversation(ctx, input.conversationId)
  await recordAccess(ctx, 'conversation.read', conversation.id)
  return messagePageFor(ctx.app, null, fullyReadable(conversation), input)
}

async function requireAnyConversation(
  { app }: CallerContext,
  conversationId: string,
): Promise<ConversationRow> {
  const conversation = await store.conversations.find(app.db, conversationId)
  if (!conversation) throw new SottoError('CONVERSATION_NOT_FOUND')
  return conversation
}

async function recordAccess(ctx: CallerContext, action: AuditAction, subjectId: string): Promise<void> {
  await ctx.app.db.transaction().execute((trx) => recordAudit(trx, ctx, { action, subjectId }))
}

async function summarize(db: Executor, rows: readonly ConversationRow[]): Promise<ConversationSummary[]> {
  const members = await participantsToShow(db, rows)
  return rows.map((row) => toConversationSummary(row, members.get(row.id) ?? []))
}
