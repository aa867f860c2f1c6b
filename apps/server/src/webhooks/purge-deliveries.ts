import { deleteOldDeliveries, type Executor, newest, removeWebhook, type WebhookRow } from '@sotto/db'

const DAY_MS = 24 * 60 * 60 * 1_000
/** How long deliveries are listed after they were made, in milliseconds. */
const KEPT_MS = { delivered: 7 * DAY_MS, failed: 30 * DAY_MS } as const
/** How many go in one transaction. */
const BATCH = 500

/**
 * Deletes deliveries that are listed no longer, and all of webhooks that are deleted, then those themselves. One part
 * of it.
 *
 * @returns whether there is more.
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
      const before =
        deletedAt !== null ? newest.at : state === 'pending' ? undefined : earlier(now, KEPT_MS[state])
      if (before === undefined) continue
      const deleted = await deleteOldDeliveries(db, { webhookId, state }, before, BATCH)
      isEmpty &&= deleted === 0
      isMore ||= deleted === BATCH
    }
    if (deletedAt === null) continue
    if (isEmpty) await removeWebhook(db, webhookId)
    else isMore = true
  }
  return isMore
}

function earlier(now: Date, ms: number): Date {
  return new Date(now.getTime() - ms)
}
