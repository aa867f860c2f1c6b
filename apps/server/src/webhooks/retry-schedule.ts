const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** How long to wait after each attempt that fails, in milliseconds: three days in all. */
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
/** How much longer it may be by chance, so that what failed together does not come back together. */
const JITTER = 0.1
/** The longest time that a receiver may ask to be left alone for. */
const MAX_RETRY_AFTER_MS = 24 * HOUR_MS

/**
 * How long to wait after so many attempts, in milliseconds; undefined when there are to be no more.
 *
 * @param retryAfter what the receiver has asked for (RFC 9110, section 10.2.3): the wait is not shorter than that,
 *   up to a day.
 */
export function retryDelayMs(
  attempts: number,
  retryAfter: string | undefined,
  now: Date,
): number | undefined {
  const delay = DELAYS_MS[attempts - 1]
  if (delay === undefined) return undefined
  const asked = Math.min(retryAfterMs(retryAfter, now), MAX_RETRY_AFTER_MS)
  return Math.max(delay, asked) * (1 + Math.random() * JITTER)
}

/** Seconds or an HTTP date; 0 for anything else. */
function retryAfterMs(value: string | undefined, now: Date): number {
  if (value === undefined) return 0
  const ms = /^\d+$/.test(value) ? Number(value) * SECOND_MS : Date.parse(value) - now.getTime()
  return Number.isFinite(ms) ? Math.max(0, ms) : 0
}
