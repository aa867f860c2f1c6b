import { createHash, randomBytes } from 'node:crypto'

const SECRET_BYTES = 32

/** Prefixes for service keys, sessions, invitations, password resets and setup tokens. */
type SecretPrefix = 'sk' | 'st' | 'in' | 'pr' | 'su'

/** A secret of 256 random bits with a prefix for its kind. */
export function newSecret(prefix: SecretPrefix): string {
  return `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`
}

/** Whether this has the form of a session token. */
export function isSessionToken(text: string): boolean {
  return text.startsWith('st_')
}

/** The stored hash of a secret. A fast hash is enough for 256 random bits. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Generates a service key, for SOTTO_SERVICE_KEY. It grants full access, so keep it on your servers. */
export function newServiceKey(): string {
  return newSecret('sk')
}
