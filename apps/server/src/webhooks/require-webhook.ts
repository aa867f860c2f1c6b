import { SottoError } from '@sotto/contract'
import { type Executor, store, type WebhookRow } from '@sotto/db'

/** @throws {SottoError} WEBHOOK_NOT_FOUND */
export async function requireWebhook(db: Executor, id: string): Promise<WebhookRow> {
  const row = await store.webhooks.find(db, id)
  if (!row) throw new SottoError('WEBHOOK_NOT_FOUND')
  return row
}
