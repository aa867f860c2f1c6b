import { type Block, type Contract, defaultLimit } from '@sotto/contract'
import { listBlocks as listRows, toPublicUser } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { requireActor } from '../auth/access.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'

/** Whom the actor has blocked, newest first. */
export async function listBlocks(
  ctx: Context,
  input: z.output<Contract['blocks']['list']['input']>,
): Promise<{ items: Block[]; nextCursor: string | null }> {
  const actor = requireActor(ctx)
  const limit = input.limit ?? defaultLimit
  const rows = await listRows(ctx.app.db, actor.id, timePosition('blocks', input.cursor), limit + 1)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map((row) => ({ user: toPublicUser(row), since: row.blocked_at })),
    nextCursor:
      last && rows.length > limit ? encodeCursor('blocks', [last.blocked_at.getTime(), last.id]) : null,
  }
}
