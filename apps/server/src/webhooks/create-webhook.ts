import { invalidInput, maxWebhooks, type Webhook } from '@sotto/contract'
import { positionColumns, store, type WebhookRow } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { eventsColumn, toWebhook } from '../views/webhooks.ts'
import { requireAllowedUrl } from './require-allowed-url.ts'
import { newWebhookSecret } from './signature.ts'
import { sealWebhookSecret } from './webhook-secrets.ts'

/** Creates a webhook for events from now on. Its secret is returned once and stored encrypted. */
export async function createWebhook(
  ctx: AdminContext,
  input: InputOf<'webhooks', 'create'>,
): Promise<Webhook & { secret: string }> {
  const { app } = ctx
  requireAllowedUrl(app, input.url)
  const id = app.newId()
  const secret = newWebhookSecret()
  const sealedSecret = sealWebhookSecret(app.secretBox, secret, id)
  const at = app.now()
  const row: WebhookRow = {
    id,
    url: input.url,
    description: input.description ?? null,
    events: eventsColumn(input.events ?? null),
    sealed_secret: sealedSecret,
    previous_sealed_secret: null,
    previous_secret_ends_at: null,
    disabled_at: null,
    disabled_reason: null,
    ...positionColumns(await store.eventLog.findEpoch(app.db), await store.eventLog.findEnd(app.db), at),
    created_at: at,
    updated_at: at,
    deleted_at: null,
  }
  await app.db.transaction().execute(async (trx) => {
    await store.webhooks.insert(trx, row)
    if ((await store.webhooks.count(trx)) > maxWebhooks) {
      throw invalidInput('url', `webhook limit reached (maximum ${maxWebhooks} webhooks)`)
    }
    await recordAudit(trx, ctx, { action: 'webhook.created', subjectId: id })
  })
  app.webhooks.wake()
  return { ...toWebhook(row), secret }
}
