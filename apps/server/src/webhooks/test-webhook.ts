import { invalidInput, type WebhookDelivery } from '@sotto/contract'
import { store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { toDelivery } from '../views/webhooks.ts'
import { testDelivery } from './new-delivery.ts'
import { requireWebhook } from './require-webhook.ts'

/** Creates a delivery of a test event, which is sent and retried like any other. */
export async function testWebhook(
  ctx: AdminContext,
  { webhookId }: { webhookId: string },
): Promise<WebhookDelivery> {
  const { app } = ctx
  const delivery = await app.db.transaction().execute(async (trx) => {
    const webhook = await requireWebhook(trx, webhookId)
    if (webhook.disabled_at !== null) throw invalidInput('webhookId', 'must be an enabled webhook')
    const row = testDelivery({ id: app.newId(), webhookId: webhook.id, now: app.now() })
    await store.deliveries.insertMany(trx, [row])
    await recordAudit(trx, ctx, { action: 'webhook.tested', subjectId: webhook.id })
    return row
  })
  app.webhooks.wake()
  return toDelivery(delivery)
}
