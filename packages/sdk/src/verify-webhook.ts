import type { WebhookEvent } from '@sotto/contract'
import { parseWithTimes } from './times.ts'

/** The maximum difference from the sender's clock, as recommended by Standard Webhooks, in milliseconds. */
const TOLERANCE_MS = 5 * 60 * 1_000
const SECRET_PREFIX = 'whsec_'
const SIGNATURE_PREFIX = 'v1,'

/** The headers of a request, from `fetch` or Node. Names of a plain object must be in lower case. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** The request is not from the server, or not recent. The message explains why. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError'
}

/**
 * Verifies that a request is from the server and returns its event.
 *
 * `id` is the same when a delivery is retried: store it and skip ids you have handled. Signatures follow
 * https://www.standardwebhooks.com. A request older than five minutes is rejected.
 *
 * @param secrets the secret of the webhook, `whsec_…`, or both secrets during a rotation.
 * @param body the raw body, byte for byte: not parsed and serialized again.
 * @throws {WebhookVerificationError}
 * @example
 * const { id, type, data } = await verifyWebhook(process.env.WEBHOOK_SECRET, request.headers, await request.text())
 */
export async function verifyWebhook(
  secrets: string | readonly string[],
  headers: WebhookHeaders,
  body: string | Uint8Array,
  { now = new Date() }: { now?: Date } = {},
): Promise<WebhookEvent & { id: string }> {
  const id = requireHeader(headers, 'webhook-id')
  const timestamp = requireHeader(headers, 'webhook-timestamp')
  const signatures = requireHeader(headers, 'webhook-signature')
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookVerificationError('webhook-timestamp is not a time')
  if (Math.abs(now.getTime() - Number(timestamp) * 1_000) > TOLERANCE_MS) {
    throw new WebhookVerificationError('webhook-timestamp is more than five minutes off')
  }
  const text = typeof body === 'string' ? body : new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`)
  if (!(await isSigned(typeof secrets === 'string' ? [secrets] : secrets, signatures, signed))) {
    throw new WebhookVerificationError('webhook-signature does not match any of the secrets')
  }
  // The signature proves that the server sent it, so it follows the contract.
  const event = parseWithTimes(text) as WebhookEvent
  return { ...event, timestamp: new Date(event.timestamp), id }
}

async function isSigned(
  secrets: readonly string[],
  signatures: string,
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey(
      'raw',
      keyOf(secret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['verify'],
    )
    for (const signature of signatures.split(' ')) {
      if (!signature.startsWith(SIGNATURE_PREFIX)) continue
      const signatureBytes = bytesOf(signature.slice(SIGNATURE_PREFIX.length))
      // Takes constant time, whether or not the signature is correct.
      if (signatureBytes && (await crypto.subtle.verify('HMAC', key, signatureBytes, signed))) return true
    }
  }
  return false
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = secret.startsWith(SECRET_PREFIX) ? bytesOf(secret.slice(SECRET_PREFIX.length)) : undefined
  if (!key?.length)
    throw new WebhookVerificationError(`a secret must start with ${SECRET_PREFIX} and be valid base64`)
  return key
}

/** Undefined if the text is not base64. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

function requireHeader(headers: WebhookHeaders, name: string): string {
  const value = isGetter(headers) ? headers.get(name) : headers[name]
  if (typeof value !== 'string' || value === '') throw new WebhookVerificationError(`${name} is missing`)
  return value
}

function isGetter(headers: WebhookHeaders): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function'
}
