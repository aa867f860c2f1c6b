import { SottoError } from '@sotto/contract'
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { Logger } from 'pino'

/** The age at which keys are fetched again, in milliseconds. Removes withdrawn keys. */
const REFRESH_MS = 5 * 60_000
/** The minimum time between fetches, in milliseconds, because anyone can send tokens with unknown keys. */
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
 * The returned function throws UNAVAILABLE if it has to fetch the keys and cannot.
 */
export function createRemoteKeys({ url, now, log }: Options): JWTVerifyGetKey {
  // jose fetches and selects keys, but this code decides when to fetch: jose would reject all tokens during an outage.
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT_MS,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
  })
  let fetchedAt: number | undefined
  let hasFailed = false
  let fetching: Promise<void> | undefined

  /** Whether the last fetch is at least this long ago. Also true after the clock was set back. */
  function isPast(ms: number): boolean {
    if (fetchedAt === undefined) return true
    const age = now().getTime() - fetchedAt
    return age >= ms || age < 0
  }

  async function reload(): Promise<void> {
    fetchedAt = now().getTime()
    try {
      await keys.reload()
      hasFailed = false
    } catch (error) {
      hasFailed = true
      log.warn({ err: error, url }, 'fetching the keys that verify tokens failed')
    }
  }

  /** Shares one fetch between all callers. */
  function refresh(): Promise<void> {
    fetching ??= reload().finally(() => {
      fetching = undefined
    })
    return fetching
  }

  return async (header, token) => {
    const hasKeys = keys.jwks() !== undefined
    if (!hasKeys && (fetching || isPast(COOLDOWN_MS))) await refresh()
    // Tokens with a known key do not wait.
    else if (hasKeys && isPast(REFRESH_MS)) void refresh()
    if (keys.jwks() === undefined) throw unavailable()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      if (fetching || isPast(COOLDOWN_MS)) await refresh()
      // It may be a new key that cannot be fetched now.
      if (hasFailed) throw unavailable()
      return keys(header, token)
    }
  }
}

function unavailable(): SottoError {
  return new SottoError('UNAVAILABLE', { detail: 'the keys that verify tokens cannot be fetched right now' })
}
