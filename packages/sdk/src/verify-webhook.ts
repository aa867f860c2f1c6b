import type { WebhookEvent } from '@sotto/contract'
import { parseWithTimes } from './times.ts'

/** How far the sender's clock may be from this one, as Standard Webhooks recommends, in milliseconds. */
const TOLERANCE_MS = 5 * 60 * 1_000
const SECRET_PREFIX = 'whsec_'
const SIGNATURE_PREFIX = 'v1,'

/** The headers of a request: those of `fetch`, or Node's. Names of a plain object are in lower case. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** A request that did not come from the server, or not now. The message says what is wrong with it. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError'
}

/**
 * Checks that a request came from the server, and answers the event that it brings.
 *
 * `id` is the same each time that the event comes again: keep it, and drop what you have seen. Signatures are as
 * https://www.standardwebhooks.com has them; a request that is five minutes old is refused.
 *
 * @param secrets the webhook's secret, `whsec_…`; while it is replaced, both.
 * @param body as it came, to the byte: not parsed and written again.
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
    throw new WebhookVerificationError('webhook-timestamp is not of now')
  }
  const text = typeof body === 'string' ? body : new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`)
  if (!(await isSigned(typeof secrets === 'string' ? [secrets] : secrets, signatures, signed))) {
    throw new WebhookVerificationError('webhook-signature is of no secret that was given')
  }
  // What the server signs is what the contract says that it sends.
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
      const given = bytesOf(signature.slice(SIGNATURE_PREFIX.length))
      // Takes as long for a wrong one as for the right one.
      if (given && (await crypto.subtle.verify('HMAC', key, given, signed))) return true
    }
  }
  return false
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = secret.startsWith(SECRET_PREFIX) ? bytesOf(secret.slice(SECRET_PREFIX.length)) : undefined
  if (!key?.length) throw new WebhookVerificationError(`a secret begins with ${SECRET_PREFIX}`)
  return key
}

/** Undefined for what is not base64. */
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
