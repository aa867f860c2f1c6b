import {
  defaultTokenAudience,
  isExternalId,
  maxTokenLifetimeSeconds,
  minTokenSecretBytes,
} from '@sotto/contract'

/** In seconds. Bounds how long a token still works after the user signs out of your back end. */
const DEFAULT_LIFETIME_SECONDS = 15 * 60

export interface UserTokenOptions {
  /** The server's SOTTO_JWT_SECRET. */
  secret: string
  /**
   * Your own id of the user, 1 to 255 characters: the user's externalId in Sotto, compared exactly. A missing user is
   * created if SOTTO_JWT_CREATE_USERS is on.
   */
  user: string
  /** 1 to 86,400; 900 (15 minutes) by default. */
  expiresInSeconds?: number | undefined
  /** The username is made from this, if this token creates the user. `user` by default. */
  username?: string | undefined
  /** The displayName, if this token creates the user. */
  name?: string | undefined
  /** The email address, if this token creates the user. */
  email?: string | undefined
  /** The avatarUrl, if this token creates the user. */
  picture?: string | undefined
  /** The server's SOTTO_JWT_AUDIENCE, if it has one. */
  audience?: string | undefined
  /** The server's SOTTO_JWT_ISSUER, if it has one. */
  issuer?: string | undefined
}

/**
 * Signs a token that authenticates a user to the server: a JWT with HS256. Call it in your back end, and never expose
 * the secret to clients. Uses Web Crypto, so it runs on Node, Deno, Bun and in workers.
 *
 * @throws {RangeError} if the server would reject the secret, the user or the lifetime.
 * @example
 * // In your back end, for the user who is signed in:
 * const token = await signUserToken({ secret: process.env.SOTTO_JWT_SECRET, user: 'alice' })
 */
export async function signUserToken({
  secret,
  user,
  expiresInSeconds = DEFAULT_LIFETIME_SECONDS,
  username,
  name,
  email,
  picture,
  audience = defaultTokenAudience,
  issuer,
}: UserTokenOptions): Promise<string> {
  const key = bytesOf(secret)
  if (key.byteLength < minTokenSecretBytes) {
    throw new RangeError(`secret must be at least ${minTokenSecretBytes} bytes`)
  }
  if (!isExternalId(user)) throw new RangeError('user must be 1 to 255 characters without NUL')
  if (
    !Number.isInteger(expiresInSeconds) ||
    expiresInSeconds < 1 ||
    expiresInSeconds > maxTokenLifetimeSeconds
  ) {
    throw new RangeError(`expiresInSeconds must be a whole number from 1 to ${maxTokenLifetimeSeconds}`)
  }
  const iat = Math.floor(Date.now() / 1_000)
  const claims = {
    ...{ preferred_username: username, name, email, picture },
    ...{ iss: issuer, sub: user, aud: audience, iat, exp: iat + expiresInSeconds },
  }
  const signed = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url(claims)}`
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const cryptoKey = await crypto.subtle.importKey('raw', key, hmac, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', cryptoKey, bytesOf(signed))
  return `${signed}.${base64urlOf(new Uint8Array(signature))}`
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

function base64url(value: object): string {
  return base64urlOf(bytesOf(JSON.stringify(value)))
}

function base64urlOf(bytes: Uint8Array): string {
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
