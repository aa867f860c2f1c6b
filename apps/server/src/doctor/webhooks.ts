import { type Executor, newest, store, type WebhookRow } from '@sotto/db'
import { type Finding, ok, warning } from './finding.ts'

/** A receiver that is available handles this many within minutes. */
const MANY_WAITING = 10_000
/** How long after its creation a failed delivery is reported: three days of retries and one more day. */
const REPORTED_MS = 4 * 24 * 60 * 60 * 1_000

/** Checks that webhook receivers accept deliveries. Yields nothing if there are no webhooks. */
export async function* examineWebhooks(db: Executor, now: () => Date): AsyncGenerator<Finding> {
  const webhooks = (await store.webhooks.listAll(db)).filter((webhook) => webhook.deleted_at === null)
  if (webhooks.length === 0) return
  const problems: Finding[] = []
  for (const webhook of webhooks) {
    const problem = await problemOf(db, webhook, now())
    if (problem)
      problems.push(
        warning(
          'webhooks',
          `${webhook.id} ${problem}`,
          `see GET /v1/webhooks/${webhook.id}/deliveries?state=failed`,
        ),
      )
  }
  yield* problems.length > 0 ? problems : [ok('webhooks', `${webhooks.length}, all receivers respond`)]
}

async function problemOf(
  db: Executor,
  { id, disabled_reason }: WebhookRow,
  now: Date,
): Promise<string | undefined> {
  if (disabled_reason === 'gone') return 'is disabled: the receiver responded with 410 Gone'
  const [failure] = await store.deliveries.list(db, { webhookId: id, state: 'failed' }, newest, 1)
  if (failure && now.getTime() - failure.created_at.getTime() < REPORTED_MS) return 'has a failed delivery'
  const waiting = await store.deliveries.countWaiting(db, id, MANY_WAITING)
  return waiting < MANY_WAITING ? undefined : `has at least ${MANY_WAITING} deliveries waiting`
}
