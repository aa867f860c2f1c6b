import { createHmac, randomBytes } from 'node:crypto'

/* Follows https://www.standardwebhooks.com, so that its libraries can verify the signature. */

const PREFIX = 'whsec_'
/** The specification allows 24 to 64. */
const SECRET_BYTES = 32

/** A new signing secret: 256 random bits. */
export function newWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

interface Signed {
  /** The delivery id, which is the same for every attempt. */
  id: string
  /** The time of this attempt. */
  at: Date
  body: string
}

/** The headers of one attempt, with a signature for each secret. */
export function signedHeaders(secrets: readonly string[], { id, at, body }: Signed): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
