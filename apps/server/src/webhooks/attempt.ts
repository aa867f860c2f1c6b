import { type AttemptEnd, store, type WebhookDeliveryRow, type WebhookRow } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import { auditOriginOf, recordAudit } from '../audit/record-audit.ts'
import type { SecretBox } from '../identity/secret-box.ts'
import type { WebhookOutcome } from '../metrics/metrics.ts'
import type { LoadConversations } from '../realtime/event-view.ts'
import type { HttpSender, SendResult } from './http-sender.ts'
import { payloadOf } from './payload.ts'
import { retryDelayMs } from './retry-schedule.ts'
import { signedHeaders } from './signature.ts'
import { openWebhookSecrets } from './webhook-secrets.ts'

/** 410 Gone disables the webhook, as Standard Webhooks specifies. */
const GONE = 410

type Parts = Pick<Runtime, 'db' | 'now' | 'newId' | 'log'> & {
  secretBox: SecretBox
  sender: HttpSender
  loadConversations: LoadConversations
}

/**
 * Attempts a delivery once and stores the result. No transaction is open during the request.
 *
 * @throws if the signal is aborted or the database is unavailable. Nothing is stored, so the attempt will be repeated.
 */
export async function attemptDelivery(
  parts: Parts,
  webhook: WebhookRow,
  delivery: WebhookDeliveryRow,
  signal: AbortSignal,
): Promise<WebhookOutcome> {
  const result = await send(parts, webhook, delivery, signal)
  const { db, now } = parts
  const attempts = delivery.attempts + 1
  if (result.status === GONE) return disableGone(parts, delivery, attempts)
  const end = endOf(result, attempts, now())
  await store.deliveries.endAttempt(db, delivery, end)
  return end.state === 'pending' ? 'retried' : end.state
}

/** `isFinal` means that a retry would also fail. */
type AttemptResult = SendResult | { status: undefined; error: string; isFinal: true }

async function send(
  parts: Parts,
  webhook: WebhookRow,
  delivery: WebhookDeliveryRow,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { now, log, secretBox, sender } = parts
  const body = await payloadOf(parts, delivery)
  if (body === undefined)
    return { status: undefined, error: 'the subject of the event no longer exists', isFinal: true }
  let headers: Record<string, string>
  try {
    const at = now()
    headers = signedHeaders(openWebhookSecrets(secretBox, webhook, at), { id: delivery.id, at, body })
  } catch (error) {
    log.warn({ err: error, webhook: webhook.id }, 'decrypting the secret of a webhook failed')
    return { status: undefined, error: 'the secret cannot be decrypted: SOTTO_SECRET has changed' }
  }
  const fields = { 'content-type': 'application/json', 'user-agent': 'Sotto', ...headers }
  return sender.post(webhook.url, fields, body, signal)
}

function endOf(result: AttemptResult, attempts: number, now: Date): AttemptEnd {
  const { status } = result
  const common = { attempts, last_status: status ?? null }
  if (status !== undefined && status >= 200 && status < 300) {
    return { ...common, state: 'delivered', last_error: null, due_at: null, delivered_at: now }
  }
  const delayMs = 'isFinal' in result ? undefined : retryDelayMs(attempts, retryAfterOf(result), now)
  return {
    ...common,
    state: delayMs === undefined ? 'failed' : 'pending',
    last_error: status === undefined ? result.error : `responded with ${status}`,
    due_at: delayMs === undefined ? null : new Date(now.getTime() + delayMs),
    delivered_at: null,
  }
}

function retryAfterOf(result: SendResult): string | undefined {
  return result.status === undefined ? undefined : result.retryAfter
}

async function disableGone(
  parts: Parts,
  delivery: WebhookDeliveryRow,
  attempts: number,
): Promise<WebhookOutcome> {
  const { db, now } = parts
  const webhookId = delivery.webhook_id
  await db.transaction().execute(async (trx) => {
    await store.deliveries.endAttempt(trx, delivery, {
      state: 'failed',
      attempts,
      last_status: GONE,
      last_error: `responded with ${GONE}`,
      due_at: null,
      delivered_at: null,
    })
    if (await store.webhooks.disableGone(trx, webhookId, now())) {
      await recordAudit(trx, auditOriginOf('server', parts), {
        action: 'webhook.disabled',
        subjectId: webhookId,
      })
    }
  })
  return 'gone'
}
