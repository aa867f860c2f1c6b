import { defaultLimit, type WebhookDelivery } from '@sotto/contract'
import { listDeliveries as listRows } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { requireWebhook } from './require-webhook.ts'
import { toDelivery } from './show-webhook.ts'

/** Newest first. */
export async function listDeliveries(
  { app: { db } }: CallerContext,
  input: InputOf<'webhooks', 'deliveries'>,
): Promise<{ items: WebhookDelivery[]; nextCursor: string | null }> {
  const { id: webhookId } = await requireWebhook(db, input.webhookId)
  const limit = input.limit ?? defaultLimit
  const before = timePosition('deliveries', input.cursor)
  const rows = await listRows(db, { webhookId, state: input.state }, before, limit + 1)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(toDelivery),
    nextCursor:
      last && rows.length > limit ? encodeCursor('deliveries', [last.created_at.getTime(), last.id]) : null,
  }
}
