import { SottoError } from '@sotto/contract'
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { Logger } from 'pino'

/** How old the keys are when they are asked for anew, in milliseconds: a key that was withdrawn is then gone. */
const REFRESH_MS = 5 * 60_000
/** How long is not asked again, in milliseconds: anybody can make up tokens with keys that are not there. */
const COOLDOWN_MS = 10_000
const TIMEOUT_MS = 5_000

interface Options {
  /** Where the keys are, as a JWK Set (RFC 7517). */
  url: string
  now: () => Date
  log: Logger
}

/**
 * The keys of a JWKS URL, for checking tokens.
 *
 * A key that is not known is asked for, at most once in ten seconds. What was had is kept for as long as the URL
 * does not answer, however long that is.
 *
 * @throws {SottoError} UNAVAILABLE from the function that it returns, where it needs the URL, which does not answer.
 */
export function createRemoteKeys({ url, now, log }: Options): JWTVerifyGetKey {
  // jose fetches and selects. When to fetch is decided here: jose would refuse every token while the URL is away.
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT_MS,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
  })
  let askedAt: number | undefined
  let isAway = false
  let asking: Promise<void> | undefined

  /** Whether the last time that the URL was asked is so long ago. A clock that was set back says nothing. */
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

  /** One question at a time, whoever waits for its answer. */
  function ask(): Promise<void> {
    asking ??= reload().finally(() => {
      asking = undefined
    })
    return asking
  }

  return async (header, token) => {
    const hasKeys = keys.jwks() !== undefined
    if (!hasKeys && (asking || isPast(COOLDOWN_MS))) await ask()
    // Who comes with a key that is known waits for nobody.
    else if (hasKeys && isPast(REFRESH_MS)) void ask()
    if (keys.jwks() === undefined) throw away()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      if (asking || isPast(COOLDOWN_MS)) await ask()
      // It may be a new key, which cannot be known now.
      if (isAway) throw away()
      return keys(header, token)
    }
  }
}

function away(): SottoError {
  return new SottoError('UNAVAILABLE', { detail: 'the keys that verify tokens cannot be fetched right now' })
}
