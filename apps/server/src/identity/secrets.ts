import { createHash, randomBytes } from 'node:crypto'

const SECRET_BYTES = 32

/** What a secret is for: a service key, a session, an invitation, a password reset, the first admin. */
type SecretPrefix = 'sk' | 'st' | 'in' | 'pr' | 'su'

/** A secret of 256 random bits with a prefix that tells what it is. */
export function newSecret(prefix: SecretPrefix): string {
  return `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`
}

/** Whether this looks like the token of a session, and not like another kind of credentials. */
export function isSessionToken(text: string): boolean {
  return text.startsWith('st_')
}

/** What is kept of a secret. A fast hash is enough: there are 256 bits to guess. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** A new service key. Whoever has it can do everything: keep it on your servers. */
export function newServiceKey(): string {
  return newSecret('sk')
}
