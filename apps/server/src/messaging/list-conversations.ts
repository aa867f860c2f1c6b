import { type Conversation, defaultLimit } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { noteDelivered } from './note-delivered.ts'
import { showConversations } from './show-conversations.ts'

/** The inbox, latest activity first. */
export async function listConversations(
  ctx: ActorContext,
  input: InputOf<'conversations', 'list'>,
): Promise<{ items: Conversation[]; nextCursor: string | null }> {
  const { actor } = ctx
  const limit = input.limit ?? defaultLimit
  const before = timePosition('inbox', input.cursor)
  return ctx.app.read(async (db) => {
    const rows = await store.inbox.list(db, actor.id, before, limit + 1)
    const page = pageOf(rows, limit, (last) => timeCursor('inbox', last.updated_at, last.id))
    return {
      items: await showConversations(db, page.rows, actor.id, (rows) => noteDelivered(ctx, rows)),
      nextCursor: page.nextCursor,
    }
  })
}
