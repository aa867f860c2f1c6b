import { isExternalId, maxTokenLifetimeSeconds, SottoError } from '@sotto/contract'
import { errors, type JWTHeaderParameters, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Logger } from 'pino'
import { createRemoteKeys } from './remote-keys.ts'
import { DEFAULT_USER_CLAIM, DEFAULT_USERNAME_CLAIM } from './token-rules.ts'

/** Settings for tokens signed by your back end or by an identity provider. */
export interface UserTokenSettings {
  /** The verification keys: a shared secret for HS256, or a JWKS URL for RS256, ES256 or EdDSA. */
  keys: { secret: string } | { jwksUrl: string }
  /** Must be in `aud`. */
  audience: string
  /** Must be equal to `iss`; undefined accepts any. */
  issuer: string | undefined
  /** Whether to create missing users. */
  createUsers: boolean
  /** Whether callers with a token can create credentials that outlast it, such as a password. False by default. */
  grantLastingAccess?: boolean | undefined
  /** The claim with the user's external id. `sub` by default. */
  userClaim?: string | undefined
  /** The claim from which the username of a new user is made. `preferred_username` by default. */
  usernameClaim?: string | undefined
}

/** The verified claims of a token. */
export interface UserClaims {
  /** The external id of the user. */
  subject: string
  expiresAt: Date
  /** The profile for creating the user, not validated yet. */
  profile: { username: unknown; name: unknown; email: unknown; picture: unknown }
}

export type VerifyToken = (token: string) => Promise<UserClaims>

/** The tolerated clock difference, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5
/** In characters. A header could be about twice as long, and the first message of a WebSocket much longer. */
const MAX_TOKEN_LENGTH = 8_192

/**
 * Each kind of key has fixed algorithms that a token cannot choose between: otherwise a public key could be used as an
 * HMAC secret (RFC 8725, section 3.1).
 */
const SECRET_ALGORITHMS = ['HS256']
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519']

interface Options {
  settings: UserTokenSettings
  now: () => Date
  log: Logger
}

/**
 * Verifies tokens: signature, audience, issuer, times and type. Ignores keys in the token (`jwk`, `jku`, `x5c`, `x5u`)
 * and rejects unknown critical extensions (`crit`).
 *
 * The returned function throws UNAUTHENTICATED with the reason, and UNAVAILABLE if the keys cannot be fetched.
 */
export function createTokenVerifier({ settings, now, log }: Options): VerifyToken {
  const { audience, issuer } = settings
  const { algorithms, findKey } = keySourceOf(settings, now, log)

  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH)
      throw invalidToken(`it must be at most ${MAX_TOKEN_LENGTH} characters`)
    const currentDate = now()
    try {
      const { payload, protectedHeader } = await jwtVerify(token, findKey, {
        algorithms,
        audience,
        ...(issuer !== undefined && { issuer }),
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate,
      })
      requireUserToken(protectedHeader)
      return {
        ...lifetimeOf(payload, currentDate),
        subject: subjectOf(payload, settings),
        profile: profileOf(payload, settings),
      }
    } catch (error) {
      if (error instanceof errors.JOSEError) throw invalidToken(error.message)
      throw error
    }
  }
}

function keySourceOf(
  { keys }: UserTokenSettings,
  now: () => Date,
  log: Logger,
): { algorithms: string[]; findKey: JWTVerifyGetKey } {
  if ('jwksUrl' in keys) {
    return { algorithms: PUBLIC_KEY_ALGORITHMS, findKey: createRemoteKeys({ url: keys.jwksUrl, now, log }) }
  }
  const secret = new TextEncoder().encode(keys.secret)
  return { algorithms: SECRET_ALGORITHMS, findKey: async () => secret }
}

/**
 * Providers sign other tokens with the same keys (`at+jwt`, `logout+jwt`, `dpop+jwt`, …), which must not sign anyone
 * in (RFC 8725, section 3.11).
 */
function requireUserToken({ typ }: JWTHeaderParameters): void {
  if (typ === undefined || /^(application\/)?jwt$/i.test(typ)) return
  throw invalidToken('"typ" must be JWT or absent')
}

function lifetimeOf({ exp, iat }: JWTPayload, at: Date): { expiresAt: Date } {
  const now = at.getTime() / 1_000
  if (exp === undefined) throw invalidToken('"exp" is required')
  if (iat !== undefined && iat > now + CLOCK_TOLERANCE_SECONDS)
    throw invalidToken('"iat" must not be in the future')
  // From the earlier of the two, so that an old token is not accepted.
  const from = Math.min(iat ?? now, now)
  if (exp > from + maxTokenLifetimeSeconds + CLOCK_TOLERANCE_SECONDS) {
    throw invalidToken(`"exp" must be at most ${maxTokenLifetimeSeconds} seconds after "iat" and from now`)
  }
  return { expiresAt: new Date(exp * 1_000) }
}

function subjectOf(payload: JWTPayload, { userClaim = DEFAULT_USER_CLAIM }: UserTokenSettings): string {
  // A claim can be any JSON value.
  const subject = payload[userClaim]
  if (typeof subject !== 'string' || !isExternalId(subject)) {
    throw invalidToken(`"${userClaim}" must be a string of 1 to 255 characters`)
  }
  return subject
}

function profileOf(
  payload: JWTPayload,
  { usernameClaim = DEFAULT_USERNAME_CLAIM }: UserTokenSettings,
): UserClaims['profile'] {
  const { name, email, email_verified: isVerified, picture } = payload
  // Addresses are unique, so an unverified one could keep its owner from using it.
  return { username: payload[usernameClaim], name, email: isVerified === false ? undefined : email, picture }
}

/** UNAUTHENTICATED, with the same prefix for all reasons. */
export function invalidToken(reason: string): SottoError {
  return new SottoError('UNAUTHENTICATED', { detail: `the token is not valid: ${reason}` })
}
