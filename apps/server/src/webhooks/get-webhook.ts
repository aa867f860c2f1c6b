import type { Webhook } from '@sotto/contract'
import type { AdminContext } from '../app/context.ts'
import { toWebhook } from '../views/webhooks.ts'
import { requireWebhook } from './require-webhook.ts'

export async function getWebhook(ctx: AdminContext, { webhookId }: { webhookId: string }): Promise<Webhook> {
  return toWebhook(await requireWebhook(ctx.app.db, webhookId))
}
