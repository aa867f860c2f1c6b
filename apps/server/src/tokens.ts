import { SignJWT } from 'jose'
import { DEFAULT_AUDIENCE, MAX_LIFETIME_SECONDS, MIN_SECRET_BYTES } from './identity/token-rules.ts'

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
 * the secret to clients.
 *
 * @throws {RangeError} if the server would reject the secret or the lifetime.
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
  audience = DEFAULT_AUDIENCE,
  issuer,
}: UserTokenOptions): Promise<string> {
  const key = new TextEncoder().encode(secret)
  if (key.byteLength < MIN_SECRET_BYTES) {
    throw new RangeError(`secret must be at least ${MIN_SECRET_BYTES} bytes`)
  }
  if (
    !Number.isInteger(expiresInSeconds) ||
    expiresInSeconds < 1 ||
    expiresInSeconds > MAX_LIFETIME_SECONDS
  ) {
    throw new RangeError(`expiresInSeconds must be a whole number from 1 to ${MAX_LIFETIME_SECONDS}`)
  }
  const issuedAt = Math.floor(Date.now() / 1_000)
  const token = new SignJWT({ preferred_username: username, name, email, picture })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(user)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + expiresInSeconds)
  if (issuer !== undefined) token.setIssuer(issuer)
  return token.sign(key)
}
