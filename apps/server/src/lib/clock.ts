/**
 * How far ahead of this server's clock a time from another server may be, in milliseconds. A stored time that is
 * further ahead than this, plus the longest time it can legitimately lie in the future, comes from a clock that was
 * wrong, and is not believed.
 */
export const MAX_CLOCK_DIFFERENCE_MS = 60_000

/** The current time, or the previous one if that is later by no more than clocks differ. */
export function notBefore(now: Date, previous: Date): Date {
  return previous > now && isBelievable(previous, now) ? previous : now
}

/** Whether a stored time lies at most `distanceMs` in the future, apart from differences between clocks. */
export function isBelievable(stored: Date, now: Date, distanceMs = 0): boolean {
  return stored <= latestBelievable(now, distanceMs)
}

/** The latest believable value of a stored time that lies at most `distanceMs` in the future. */
export function latestBelievable(now: Date, distanceMs = 0): Date {
  return new Date(now.getTime() + distanceMs + MAX_CLOCK_DIFFERENCE_MS)
}
