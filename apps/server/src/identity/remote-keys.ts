import { SottoError } from '@sotto/contract'
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { Logger } from 'pino'

/** The age at which keys are fetched again, in milliseconds, which drops withdrawn keys. */
const REFRESH_MS = 5 * 60_000
/** The minimum time between fetches, in milliseconds: anyone can send tokens with unknown keys. */
const COOLDOWN_MS = 10_000
const TIMEOUT_MS = 5_000

interface Options {
  /** The URL of the JWK Set (RFC 7517). */
  url: string
  now: () => Date
  log: Logger
}

/**
 * The keys of a JWKS URL, for verifying tokens.
 *
 * An unknown key triggers a fetch, at most once in ten seconds. While the URL is not available, known keys stay valid.
 *
 * @throws {SottoError} UNAVAILABLE from the returned function, if it needs the URL and the URL is not available.
 */
export function createRemoteKeys({ url, now, log }: Options): JWTVerifyGetKey {
  // jose fetches and selects keys. When to fetch is decided here: jose would reject all tokens during an outage.
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT_MS,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
  })
  let askedAt: number | undefined
  let isAway = false
  let asking: Promise<void> | undefined

  /** Whether the last fetch is at least this long ago. Also true after the clock was set back. */
  function isPast(ms: number): boolean {
    if (askedAt === undefined) return true
    const age = now().getTime() - askedAt
    return age >= ms || age < 0
  }

  async function reload(): Promise<void> {
    askedAt = now().getTime()
    try {
      await keys.reload()
      isAway = false
    } catch (error) {
      isAway = true
      log.warn({ err: error, url }, 'fetching the keys that verify tokens failed')
    }
  }

  /** Shares one fetch between all callers. */
  function ask(): Promise<void> {
    asking ??= reload().finally(() => {
      asking = undefined
    })
    return asking
  }

  return async (header, token) => {
    const hasKeys = keys.jwks() !== undefined
    if (!hasKeys && (asking || isPast(COOLDOWN_MS))) await ask()
    // Tokens with a known key do not wait.
    else if (hasKeys && isPast(REFRESH_MS)) void ask()
    if (keys.jwks() === undefined) throw away()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      if (asking || isPast(COOLDOWN_MS)) await ask()
      // It may be a new key, which cannot be fetched now.
      if (isAway) throw away()
      return keys(header, token)
    }
  }
}

function away(): SottoError {
  return new SottoError('UNAVAILABLE', { detail: 'the keys that verify tokens cannot be fetched right now' })
}
