import { SottoError, type Webhook } from '@sotto/contract'
import { store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { toWebhook } from '../views/webhooks.ts'
import { requireWebhook } from './require-webhook.ts'
import { newWebhookSecret } from './signature.ts'
import { OVERLAP_MS, sealWebhookSecret } from './webhook-secrets.ts'

/** Replaces the secret of a webhook. The replaced one also signs for a day; one replaced earlier no longer does. */
export async function rotateWebhookSecret(
  ctx: AdminContext,
  { webhookId }: { webhookId: string },
): Promise<Webhook & { secret: string }> {
  const { app } = ctx
  const secret = newWebhookSecret()
  const now = app.now()
  const row = await app.db.transaction().execute(async (trx) => {
    const before = await requireWebhook(trx, webhookId)
    const changed = await store.webhooks.update(trx, before.id, {
      sealed_secret: sealWebhookSecret(app.secretBox, secret, before.id),
      previous_sealed_secret: before.sealed_secret,
      previous_secret_ends_at: new Date(now.getTime() + OVERLAP_MS),
      updated_at: now,
    })
    if (!changed) throw new SottoError('WEBHOOK_NOT_FOUND')
    await recordAudit(trx, ctx, { action: 'webhook.secret_rotated', subjectId: before.id })
    return changed
  })
  return { ...toWebhook(row), secret }
}
