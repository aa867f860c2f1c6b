import { SottoError } from '@sotto/contract'
import { errors, type JWTHeaderParameters, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Logger } from 'pino'
import { createRemoteKeys } from './remote-keys.ts'
import { MAX_LIFETIME_SECONDS } from './token-rules.ts'

/** Tokens that somebody else signs: the host's back end, or the identity provider of its users. */
export interface UserTokenSettings {
  /** What they are signed with: HS256 with a shared secret, or RS256, ES256 or EdDSA with the keys of a JWKS URL. */
  keys: { secret: string } | { jwksUrl: string }
  /** Has to be in `aud`. */
  audience: string
  /** Has to be `iss`, where given. */
  issuer: string | undefined
  /** Whether a user who is not there yet is made. */
  createUsers: boolean
}

/** What a token says that can be believed. */
export interface UserClaims {
  /** The username or the id of the user. */
  subject: string
  expiresAt: Date
  /** Of a user who is made by it; whoever makes them looks at what these are. */
  profile: { name: unknown; email: unknown; picture: unknown }
}

export type VerifyToken = (token: string) => Promise<UserClaims>

/** How far the clocks of who signs and who checks may be apart, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5
/** A header of a request holds about twice as much, a WebSocket's first message far more. */
const MAX_TOKEN_LENGTH = 8_192

/**
 * Each source of keys has its algorithms, and a token does not choose between them: taken with the wrong one, a
 * public key would be a secret that everybody knows (RFC 8725, section 3.1).
 */
const SECRET_ALGORITHMS = ['HS256']
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519']

interface Options {
  settings: UserTokenSettings
  now: () => Date
  log: Logger
}

/**
 * Checks tokens: signature, audience, issuer, times, type. Keys that a token brings or points to (`jwk`, `jku`,
 * `x5c`, `x5u`) are not looked at, and an extension that is critical and unknown (`crit`) is refused.
 *
 * The function that it returns throws UNAUTHENTICATED, which says what is wrong with the token, and UNAVAILABLE
 * where the keys cannot be had.
 */
export function createTokenVerifier({ settings, now, log }: Options): VerifyToken {
  const { audience, issuer } = settings
  const { algorithms, findKey } = keySourceOf(settings, now, log)

  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH)
      throw refusedToken(`it must be at most ${MAX_TOKEN_LENGTH} characters`)
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
      return { ...lifetimeOf(payload, currentDate), subject: subjectOf(payload), profile: profileOf(payload) }
    } catch (error) {
      if (error instanceof errors.JOSEError) throw refusedToken(error.message)
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
 * A provider signs other things with the same keys (`at+jwt` for an API, `logout+jwt`, `dpop+jwt`, …), which were
 * never meant to log anybody in (RFC 8725, section 3.11).
 */
function requireUserToken({ typ }: JWTHeaderParameters): void {
  if (typ === undefined || /^(application\/)?jwt$/i.test(typ)) return
  throw refusedToken('"typ" must be JWT or absent')
}

function lifetimeOf({ exp, iat }: JWTPayload, at: Date): { expiresAt: Date } {
  const now = at.getTime() / 1_000
  if (exp === undefined) throw refusedToken('"exp" is required')
  if (iat !== undefined && iat > now + CLOCK_TOLERANCE_SECONDS)
    throw refusedToken('"iat" must not be in the future')
  // From the one that is earlier: a token is not young again because it is looked at late.
  const from = Math.min(iat ?? now, now)
  if (exp > from + MAX_LIFETIME_SECONDS + CLOCK_TOLERANCE_SECONDS) {
    throw refusedToken(`"exp" must be at most ${MAX_LIFETIME_SECONDS} seconds after "iat" and from now`)
  }
  return { expiresAt: new Date(exp * 1_000) }
}

function subjectOf({ sub }: JWTPayload): string {
  // A claim is whatever the JSON holds.
  if (typeof sub !== 'string') throw refusedToken('"sub" must be a username or a user id')
  return sub.toLowerCase()
}

function profileOf({ name, email, picture }: JWTPayload): UserClaims['profile'] {
  return { name, email, picture }
}

/** UNAUTHENTICATED, in the same words for whatever is wrong with a token. */
export function refusedToken(reason: string): SottoError {
  return new SottoError('UNAUTHENTICATED', { detail: `the token is not valid: ${reason}` })
}
