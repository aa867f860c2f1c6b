import type { Rate } from './rates.ts'

/** How many buckets one server remembers; then the half that was not touched for the longest is forgotten. */
const MAX_BUCKETS = 100_000

/** What one call takes out of one bucket. */
export interface Charge {
  /** Whose bucket. */
  key: string
  policy: Policy
}

/** A rate with its name, worked out once. Times are whole microseconds, which numbers hold exactly. */
export interface Policy extends Rate {
  name: string
  /** How long it takes for one more to be there. */
  intervalUs: number
  /** How long it takes until all of them are. */
  capacityUs: number
}

export function policyOf(name: string, { count, seconds }: Rate): Policy {
  const intervalUs = Math.max(1, Math.floor((seconds * 1_000_000) / count))
  return { name, count, seconds, intervalUs, capacityUs: intervalUs * count }
}

/** What is left in a bucket. */
export interface Quota {
  policy: Policy
  remaining: number
  /** Until one more is there; 0 when the bucket is full. */
  nextMs: number
}

/** Whether the charges were taken, and the quota that is the nearest to its end, or the first in the way. */
export interface Verdict {
  isAllowed: boolean
  tightest: Quota
}

/**
 * Judges charges by what is owed on each bucket: the generic cell rate algorithm (ITU-T I.371), a leaky bucket
 * whose state is one time, that at which it will be full again.
 *
 * All are taken or none: who is held up by one bucket does not use up the others.
 *
 * @param charges one at least.
 * @param owedUs what each bucket is short of being full, before this.
 */
export function judge(charges: readonly Charge[], owedUs: readonly number[]): Verdict {
  const isAllowed = charges.every(({ policy }, i) => has(policy, owedUs[i] ?? 0))
  const quotas = charges.map(({ policy }, i) =>
    quotaOf(policy, (owedUs[i] ?? 0) + (isAllowed ? policy.intervalUs : 0)),
  )
  return { isAllowed, tightest: quotas.reduce((a, b) => (isTighter(b, a) ? b : a)) }
}

/** Whether one quota ends before the other; of two that have, the one that takes longer to have more. */
export function isTighter(a: Quota, b: Quota): boolean {
  return a.remaining === b.remaining ? a.nextMs > b.nextMs : a.remaining < b.remaining
}

function has({ intervalUs, capacityUs }: Policy, owedUs: number): boolean {
  return owedUs + intervalUs <= capacityUs
}

function quotaOf(policy: Policy, owedUs: number): Quota {
  const freeUs = policy.capacityUs - owedUs
  const remaining = Math.floor(freeUs / policy.intervalUs)
  const nextUs = owedUs === 0 ? 0 : policy.intervalUs - (freeUs % policy.intervalUs)
  return { policy, remaining, nextMs: nextUs / 1_000 }
}

/**
 * The buckets of one server, in memory.
 *
 * They are kept in two halves, of which the older is dropped, and the newer becomes the older, once every bucket in
 * it is full again, which is as good as unknown. Nothing has to be looked for, and nothing is timed.
 */
export class Buckets {
  readonly #now: () => Date
  readonly #lifetimeUs: number
  /** When each is full again, in microseconds. */
  #newer = new Map<string, number>()
  #older = new Map<string, number>()
  #dropAt = Number.NEGATIVE_INFINITY

  /** @param longestSeconds the longest of all rates that are charged. */
  constructor(now: () => Date, longestSeconds: number) {
    this.#now = now
    this.#lifetimeUs = longestSeconds * 1_000_000
  }

  take(charges: readonly Charge[]): Verdict {
    const now = this.#now().getTime() * 1_000
    this.#forget(now)
    const owed = charges.map(({ key, policy }) => {
      const fullAt = this.#newer.get(key) ?? this.#older.get(key) ?? now
      // A clock that was put back must not lock anybody out.
      return Math.min(Math.max(fullAt - now, 0), policy.capacityUs)
    })
    const verdict = judge(charges, owed)
    if (verdict.isAllowed) {
      charges.forEach(({ key, policy }, i) => {
        this.#newer.set(key, now + (owed[i] ?? 0) + policy.intervalUs)
      })
    }
    return verdict
  }

  #forget(now: number): void {
    const isOver = now >= this.#dropAt || now < this.#dropAt - this.#lifetimeUs
    if (!isOver && this.#newer.size < MAX_BUCKETS / 2) return
    this.#older = this.#newer
    this.#newer = new Map()
    this.#dropAt = now + this.#lifetimeUs
  }
}
