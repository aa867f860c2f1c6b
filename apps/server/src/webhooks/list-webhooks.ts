import { defaultLimit, type Webhook } from '@sotto/contract'
import { listWebhooks as listRows } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toWebhook } from './show-webhook.ts'

/** Newest first. */
export async function listWebhooks(
  { app: { db } }: CallerContext,
  input: InputOf<'webhooks', 'list'>,
): Promise<{ items: Webhook[]; nextCursor: string | null }> {
  const limit = input.limit ?? defaultLimit
  const rows = await listRows(db, timePosition('webhooks', input.cursor), limit + 1)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(toWebhook),
    nextCursor:
      last && rows.length > limit ? encodeCursor('webhooks', [last.created_at.getTime(), last.id]) : null,
  }
}
