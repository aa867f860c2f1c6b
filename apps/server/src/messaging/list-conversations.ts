import { type Contract, type Conversation, defaultLimit } from '@sotto/contract'
import { listInbox } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { requireActor } from '../auth/access.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'
import { showConversations } from './show-conversations.ts'

/** The inbox: latest activity first. */
export async function listConversations(
  ctx: Context,
  input: z.output<Contract['conversations']['list']['input']>,
): Promise<{ items: Conversation[]; nextCursor: string | null }> {
  const actor = requireActor(ctx)
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
