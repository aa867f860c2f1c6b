import { type Executor, newest, store, type WebhookRow } from '@sotto/db'

const DAY_MS = 24 * 60 * 60 * 1_000
/** How long deliveries are kept after creation, in milliseconds. Those of disabled webhooks stay pending. */
const KEPT_MS = { pending: 30 * DAY_MS, delivered: 7 * DAY_MS, failed: 30 * DAY_MS } as const
/** The number of rows per transaction. */
const BATCH = 500

/**
 * Deletes one batch of expired deliveries, and of deleted webhooks with their deliveries.
 *
 * @returns whether there are more.
 */
export async function purgeDeliveries(
  db: Executor,
  webhooks: readonly WebhookRow[],
  now: Date,
): Promise<boolean> {
  let isMore = false
  for (const { id: webhookId, deleted_at: deletedAt } of webhooks) {
    let isEmpty = true
    for (const state of ['pending', 'delivered', 'failed'] as const) {
      const before = deletedAt === null ? new Date(now.getTime() - KEPT_MS[state]) : newest.at
      const deleted = await store.deliveries.removeOld(db, { webhookId, state }, before, BATCH)
      isEmpty &&= deleted === 0
      isMore ||= deleted === BATCH
    }
    if (deletedAt === null) continue
    if (isEmpty) await store.webhooks.remove(db, webhookId)
    else isMore = true
  }
  return isMore
}
