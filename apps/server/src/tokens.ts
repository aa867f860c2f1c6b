import { createHmac } from 'node:crypto'
import { DEFAULT_AUDIENCE, MAX_LIFETIME_SECONDS, MIN_SECRET_BYTES } from './identity/token-rules.ts'

/** Long enough that a back end is seldom asked, in seconds; whoever is logged out there is out here by then. */
const DEFAULT_LIFETIME_SECONDS = 15 * 60

export interface UserTokenOptions {
  /** The server's SOTTO_JWT_SECRET. */
  secret: string
  /** A username, or a user id. A user who is not there yet is made, where SOTTO_JWT_CREATE_USERS is on. */
  user: string
  /** 1 to 86,400; 900 (15 minutes) when left out. */
  expiresInSeconds?: number | undefined
  /** The displayName of a user who is made by this token. */
  name?: string | undefined
  /** The email address of a user who is made by this token. */
  email?: string | undefined
  /** The avatarUrl of a user who is made by this token. */
  picture?: string | undefined
  /** The server's SOTTO_JWT_AUDIENCE, where it has one. */
  audience?: string | undefined
  /** The server's SOTTO_JWT_ISSUER, where it has one. */
  issuer?: string | undefined
}

/**
 * A token with which this user calls the server: a JWT, signed with HS256. For your own back end, which knows
 * who is logged in there; the secret belongs nowhere else.
 *
 * @throws {RangeError} for a secret or a lifetime that the server would refuse.
 * @example
 * // In your back end, for whoever is logged in there:
 * const token = signUserToken({ secret: process.env.SOTTO_JWT_SECRET, user: 'alice' })
 */
export function signUserToken({
  secret,
  user,
  expiresInSeconds = DEFAULT_LIFETIME_SECONDS,
  name,
  email,
  picture,
  audience = DEFAULT_AUDIENCE,
  issuer,
}: UserTokenOptions): string {
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    throw new RangeError(`secret takes at least ${MIN_SECRET_BYTES} bytes`)
  }
  const isLifetime =
    Number.isInteger(expiresInSeconds) && expiresInSeconds >= 1 && expiresInSeconds <= MAX_LIFETIME_SECONDS
  if (!isLifetime)
    throw new RangeError(`expiresInSeconds takes a whole number from 1 to ${MAX_LIFETIME_SECONDS}`)
  const iat = Math.floor(Date.now() / 1_000)
  const claims = {
    sub: user,
    aud: audience,
    iss: issuer,
    iat,
    exp: iat + expiresInSeconds,
    name,
    email,
    picture,
  }
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
