import { type Conversation, defaultLimit } from '@sotto/contract'
import { listInbox } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { showConversations } from './show-conversations.ts'

/** The inbox: latest activity first. */
export async function listConversations(
  ctx: ActorContext,
  input: InputOf<'conversations', 'list'>,
): Promise<{ items: Conversation[]; nextCursor: string | null }> {
  const { actor } = ctx
  const limit = input.limit ?? defaultLimit
  const before = timePosition('inbox', input.cursor)
  return ctx.app.read(async (db) => {
    const rows = await listInbox(db, actor.id, before, limit + 1)
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    return {
      items: await showConversations({ db, deliveryMarks: ctx.app.deliveryMarks }, page, actor.id),
      nextCursor:
        last && rows.length > limit ? encodeCursor('inbox', [last.updated_at.getTime(), last.id]) : null,
    }
  })
}
