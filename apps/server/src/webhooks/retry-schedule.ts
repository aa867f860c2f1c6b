const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** The delay after each failed attempt, in milliseconds. The sum is three days. */
const DELAYS_MS = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  8 * HOUR_MS,
  12 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
]
/** The maximum random increase of a delay, so that deliveries that failed together are not retried together. */
const JITTER = 0.1
/** The maximum Retry-After. */
const MAX_RETRY_AFTER_MS = 24 * HOUR_MS
/** The longest delay, in milliseconds. */
export const MAX_DELAY_MS = 24 * HOUR_MS * (1 + JITTER)

/**
 * The delay after this many attempts, in milliseconds; undefined if there are no more attempts.
 *
 * @param retryAfter the Retry-After header of the receiver (RFC 9110, section 10.2.3), a minimum up to one day.
 */
export function retryDelayMs(
  attempts: number,
  retryAfter: string | undefined,
  now: Date,
): number | undefined {
  const delay = DELAYS_MS[attempts - 1]
  if (delay === undefined) return undefined
  const requested = Math.min(retryAfterMs(retryAfter, now), MAX_RETRY_AFTER_MS)
  return Math.max(delay, requested) * (1 + Math.random() * JITTER)
}

/** Seconds or an HTTP date; 0 for anything else. */
function retryAfterMs(value: string | undefined, now: Date): number {
  if (value === undefined) return 0
  const ms = /^\d+$/.test(value) ? Number(value) * SECOND_MS : Date.parse(value) - now.getTime()
  return Number.isFinite(ms) ? Math.max(0, ms) : 0
}
