import { type Block, defaultLimit } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toBlock } from '../views/blocks.ts'

/** The users the actor has blocked, newest first. */
export async function listBlocks(
  ctx: ActorContext,
  input: InputOf<'blocks', 'list'>,
): Promise<{ items: Block[]; nextCursor: string | null }> {
  const { actor } = ctx
  const limit = input.limit ?? defaultLimit
  const rows = await store.blocks.list(ctx.app.db, actor.id, timePosition('blocks', input.cursor), limit + 1)
  const page = pageOf(rows, limit, (last) => timeCursor('blocks', last.blocked_at, last.id))
  return {
    items: page.rows.map(toBlock),
    nextCursor: page.nextCursor,
  }
}
