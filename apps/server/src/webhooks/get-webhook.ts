import type { Webhook } from '@sotto/contract'
import type { Context } from '../app/context.ts'
import { requireWebhook } from './require-webhook.ts'
import { toWebhook } from './show-webhook.ts'

export async function getWebhook(ctx: Context, { webhookId }: { webhookId: string }): Promise<Webhook> {
  return toWebhook(await requireWebhook(ctx.app.db, webhookId))
}
