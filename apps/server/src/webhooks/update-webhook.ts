import { SottoError, type Webhook } from '@sotto/contract'
import { positionColumns, store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { requireLastingAccess } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { eventsColumn, toWebhook } from '../views/webhooks.ts'
import { requireAllowedUrl } from './require-allowed-url.ts'
import { requireWebhook } from './require-webhook.ts'

/** Changes a webhook. Enabling it again skips the events that happened while it was disabled. */
export async function updateWebhook(
  ctx: AdminContext,
  { webhookId, url, events, description, enabled }: InputOf<'webhooks', 'update'>,
): Promise<Webhook> {
  const { app } = ctx
  // A webhook receives messages after the caller's access has ended.
  if (url !== undefined || events !== undefined || enabled === true) requireLastingAccess(ctx)
  if (url !== undefined) requireAllowedUrl(app, url)
  const now = app.now()
  const endOfLog = positionColumns(
    await store.eventLog.findEpoch(app.db),
    await store.eventLog.findEnd(app.db),
    now,
  )
  const changed = await app.db.transaction().execute(async (trx) => {
    const before = await requireWebhook(trx, webhookId)
    const wasEnabled = before.disabled_at === null
    const row = await store.webhooks.update(trx, before.id, {
      ...(url !== undefined && { url }),
      ...(events !== undefined && { events: eventsColumn(events) }),
      ...(description !== undefined && { description }),
      ...(enabled === false && wasEnabled && { disabled_at: now, disabled_reason: 'admin' }),
      ...(enabled === true && !wasEnabled && { disabled_at: null, disabled_reason: null, ...endOfLog }),
      updated_at: now,
    })
    if (!row) throw new SottoError('WEBHOOK_NOT_FOUND')
    await recordAudit(trx, ctx, { action: 'webhook.changed', subjectId: row.id })
    return row
  })
  app.webhooks.wake()
  return toWebhook(changed)
}
