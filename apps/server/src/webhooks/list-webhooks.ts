import { defaultLimit, type Webhook } from '@sotto/contract'
import { store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toWebhook } from '../views/webhooks.ts'

/** Newest first. */
export async function listWebhooks(
  { app: { db } }: AdminContext,
  input: InputOf<'webhooks', 'list'>,
): Promise<{ items: Webhook[]; nextCursor: string | null }> {
  const limit = input.limit ?? defaultLimit
  const rows = await store.webhooks.list(db, timePosition('webhooks', input.cursor), limit + 1)
  const page = pageOf(rows, limit, (last) => timeCursor('webhooks', last.created_at, last.id))
  return {
    items: page.rows.map(toWebhook),
    nextCursor: page.nextCursor,
  }
}
