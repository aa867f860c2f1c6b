import { defaultLimit, type WebhookDelivery } from '@sotto/contract'
import { store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toDelivery } from '../views/webhooks.ts'
import { requireWebhook } from './require-webhook.ts'

/** Newest first. */
export async function listDeliveries(
  { app: { db } }: AdminContext,
  input: InputOf<'webhooks', 'deliveries'>,
): Promise<{ items: WebhookDelivery[]; nextCursor: string | null }> {
  const { id: webhookId } = await requireWebhook(db, input.webhookId)
  const limit = input.limit ?? defaultLimit
  const before = timePosition('deliveries', input.cursor)
  const rows = await store.deliveries.list(db, { webhookId, state: input.state }, before, limit + 1)
  const page = pageOf(rows, limit, (last) => timeCursor('deliveries', last.created_at, last.id))
  return {
    items: page.rows.map(toDelivery),
    nextCursor: page.nextCursor,
  }
}
