import { type Executor, newest, store, type WebhookRow } from '@sotto/db'
import { latestBelievable } from '../lib/clock.ts'
import { MAX_DELAY_MS } from './retry-schedule.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
/** How long deliveries are kept after creation, in milliseconds. Only disabled webhooks have old pending deliveries. */
const KEPT_MS = { pending: 30 * DAY_MS, delivered: 7 * DAY_MS, failed: 30 * DAY_MS } as const
/** The number of rows per transaction. */
const BATCH = 500

/**
 * Deletes a batch of expired deliveries per webhook and state, and deleted webhooks once they have no deliveries. Makes
 * deliveries due that a clock that was ahead has scheduled too late.
 *
 * @returns whether there are more of them.
 */
export async function purgeDeliveries(
  db: Executor,
  webhooks: readonly WebhookRow[],
  now: Date,
): Promise<boolean> {
  let hasMore = false
  for (const { id: webhookId, deleted_at: deletedAt } of webhooks) {
    const times = { now, latest: latestBelievable(now, MAX_DELAY_MS) }
    if ((await store.deliveries.advance(db, webhookId, times, BATCH)) === BATCH) hasMore = true
    let isEmpty = true
    for (const state of ['pending', 'delivered', 'failed'] as const) {
      const before = deletedAt === null ? new Date(now.getTime() - KEPT_MS[state]) : newest.at
      const deleted = await store.deliveries.removeOld(db, { webhookId, state }, before, BATCH)
      isEmpty &&= deleted === 0
      hasMore ||= deleted === BATCH
    }
    if (deletedAt === null) continue
    if (isEmpty) await store.webhooks.remove(db, webhookId)
    else hasMore = true
  }
  return hasMore
}
