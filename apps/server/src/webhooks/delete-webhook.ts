import { SottoError } from '@sotto/contract'
import { store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { requireWebhook } from './require-webhook.ts'

/** Deletes a webhook. It disappears immediately; its deliveries are deleted in the background. */
export async function deleteWebhook(ctx: AdminContext, { webhookId }: { webhookId: string }): Promise<void> {
  const { app } = ctx
  await app.db.transaction().execute(async (trx) => {
    const { id } = await requireWebhook(trx, webhookId)
    if (!(await store.webhooks.update(trx, id, { deleted_at: app.now() })))
      throw new SottoError('WEBHOOK_NOT_FOUND')
    await recordAudit(trx, ctx, { action: 'webhook.deleted', subjectId: id })
  })
  app.webhooks.wake()
}
