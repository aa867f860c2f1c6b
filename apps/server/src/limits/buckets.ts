import type { Rate } from './rates.ts'

/** The maximum number of buckets per server; beyond that the least recently used half is dropped. */
const MAX_BUCKETS = 100_000

/** A charge of one call to one bucket. */
export interface Charge {
  /** The key of the bucket. */
  key: string
  policy: Policy
}

/** A named rate with precomputed times, in whole microseconds, which numbers represent exactly. */
export interface Policy extends Rate {
  name: string
  /** The time until one unit is restored. */
  intervalUs: number
  /** The time until all units are restored. */
  capacityUs: number
}

export function policyOf(name: string, { count, seconds }: Rate): Policy {
  const intervalUs = Math.max(1, Math.floor((seconds * 1_000_000) / count))
  return { name, count, seconds, intervalUs, capacityUs: intervalUs * count }
}

/** The remaining quota of a bucket. */
export interface Quota {
  policy: Policy
  remaining: number
  /** The time until one more unit is available; 0 if the bucket is full. */
  nextMs: number
}

/** Whether the charges were accepted, and the tightest quota. */
export interface Verdict {
  isAllowed: boolean
  tightest: Quota
}

/**
 * Decides on charges with the generic cell rate algorithm (ITU-T I.371): a leaky bucket whose state is the time at
 * which it will be full again.
 *
 * All charges are accepted or none, so a caller rejected by one bucket does not use up the others.
 *
 * @param charges at least one.
 * @param owedUs how far each bucket is from full, before the charges.
 */
export function judge(charges: readonly Charge[], owedUs: readonly number[]): Verdict {
  const isAllowed = charges.every(({ policy }, i) => has(policy, owedUs[i] ?? 0))
  const quotas = charges.map(({ policy }, i) =>
    quotaOf(policy, (owedUs[i] ?? 0) + (isAllowed ? policy.intervalUs : 0)),
  )
  return { isAllowed, tightest: quotas.reduce((a, b) => (isTighter(b, a) ? b : a)) }
}

/** Whether `a` is tighter than `b`: it has less left, or just as much but takes longer to restore. */
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
 * Kept in two generations. The older one is dropped once all of its buckets are full again, because full buckets need
 * not be stored. This requires neither a search nor a timer.
 */
export class Buckets {
  readonly #now: () => Date
  readonly #lifetimeUs: number
  /** When each bucket is full again, in microseconds. */
  #newer = new Map<string, number>()
  #older = new Map<string, number>()
  #dropAt = Number.NEGATIVE_INFINITY

  /** @param longestSeconds the longest period of all rates. */
  constructor(now: () => Date, longestSeconds: number) {
    this.#now = now
    this.#lifetimeUs = longestSeconds * 1_000_000
  }

  take(charges: readonly Charge[]): Verdict {
    const now = this.#now().getTime() * 1_000
    this.#forget(now)
    const owed = charges.map(({ key, policy }) => {
      const fullAt = this.#newer.get(key) ?? this.#older.get(key) ?? now
      if (fullAt - now <= policy.capacityUs) return Math.max(fullAt - now, 0)
      // A clock that was set back must not lock callers out: the bucket refills from now on.
      this.#newer.set(key, now + policy.capacityUs)
      return policy.capacityUs
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
