import { SottoError, type WebhookDelivery } from '@sotto/contract'
import { store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toDelivery } from '../views/webhooks.ts'
import { requireWebhook } from './require-webhook.ts'

/** Restarts a delivery, even a successful one. The id stays the same, so that the receiver can detect the repeat. */
export async function retryDelivery(
  ctx: AdminContext,
  { webhookId, deliveryId }: InputOf<'webhooks', 'retryDelivery'>,
): Promise<WebhookDelivery> {
  const { app } = ctx
  const row = await app.db.transaction().execute(async (trx) => {
    const webhook = await requireWebhook(trx, webhookId)
    const delivery = await store.deliveries.find(trx, webhook.id, deliveryId)
    const restarted = delivery && (await store.deliveries.restart(trx, delivery, app.now()))
    if (!restarted) throw new SottoError('DELIVERY_NOT_FOUND')
    await recordAudit(trx, ctx, { action: 'webhook.delivery_restarted', subjectId: restarted.id })
    return restarted
  })
  app.webhooks.wake()
  return toDelivery(row)
}
