import { type LimitName, limitNames, SottoError } from '@sotto/contract'
import type { Caller } from '../auth/caller.ts'
import { Buckets, type Charge, judge, type Policy, policyOf, type Verdict } from './buckets.ts'
import { networkOf } from './network-of.ts'
import type { Origin } from './origin.ts'
import type { Rates } from './rates.ts'
import type { SharedBuckets } from './shared-buckets.ts'

/**
 * How many times a user's rate an address has, or a username that is logged in to from anywhere: an office, a school
 * or a mobile network is one address, and one attacker alone must not use up what a username has.
 */
const SHARED_FACTOR = 10

/** Names come from whoever asks, of any length; nobody has one that is longer. */
const MAX_KEY_LENGTH = 64

interface Options {
  rates: Rates
  now: () => Date
  /** Undefined for a single server. */
  shared: SharedBuckets | undefined
  /** Called with the name of the policy that a call went beyond. */
  onRefused: (policy: string) => void
}

/** The policies of one kind of call. */
interface Policies {
  own: Policy
  address: Policy
}

/**
 * How much each caller may do: a user by who they are and where they come from, nobody by where they come from, a
 * service key by a rate of its own, if there is one.
 *
 * With several servers a bucket is in Redis, and what was spent on one server counts on all. Each counts by itself
 * too, so that Redis is not asked about those who are over their limit anyway, and is not missed when it is away.
 */
export class Limits {
  readonly #policies = new Map<LimitName, Policies>()
  #keys: Policy | undefined
  #usernames: Policy | undefined
  readonly #buckets: Buckets
  readonly #shared: SharedBuckets | undefined
  readonly #onRefused: Options['onRefused']

  constructor({ rates, now, shared, onRefused }: Options) {
    this.#onRefused = onRefused
    for (const name of limitNames) {
      const rate = rates[name]
      if (!rate) continue
      const manifold = { ...rate, count: rate.count * SHARED_FACTOR }
      this.#policies.set(name, { own: policyOf(name, rate), address: policyOf(`${name}-address`, manifold) })
      if (name === 'logins') this.#usernames = policyOf('logins-username', manifold)
    }
    if (rates.keys) this.#keys = policyOf('keys', rates.keys)
    const longest = Math.max(1, ...Object.values(rates).map((rate) => rate?.seconds ?? 0))
    this.#buckets = new Buckets(now, longest)
    this.#shared = shared
  }

  /**
   * One call of this caller's.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  async charge(name: LimitName, caller: Caller, origin: Origin): Promise<void> {
    if (caller.kind === 'key') {
      if (this.#keys) await this.#take([chargeOf(this.#keys, caller.keyId)], origin)
      return
    }
    const policies = this.#policies.get(name)
    if (!policies) return
    const charges: Charge[] = []
    if (caller.kind === 'user') charges.push(chargeOf(policies.own, caller.actor.id))
    if (origin.address !== null) charges.push(chargeOf(policies.address, networkOf(origin.address)))
    await this.#take(charges, origin)
  }

  /**
   * One password that is about to be checked, which takes long and may be a guess.
   *
   * @param user whose password: an id, or the name of nobody.
   * @throws {SottoError} RATE_LIMITED
   */
  async chargeLogin(user: string, origin: Origin): Promise<void> {
    const policies = this.#policies.get('logins')
    if (!policies || !this.#usernames || origin.address === null) return
    const network = networkOf(origin.address)
    const whose = user.slice(0, MAX_KEY_LENGTH)
    await this.#take(
      [
        chargeOf(policies.own, `${network} ${whose}`),
        chargeOf(policies.address, network),
        chargeOf(this.#usernames, whose),
      ],
      origin,
    )
  }

  async #take(charges: readonly Charge[], origin: Origin): Promise<void> {
    if (charges.length === 0) return
    const { isAllowed, tightest } = await this.#verdict(charges)
    origin.onQuota?.(tightest)
    if (isAllowed) return
    const { name, count, seconds } = tightest.policy
    this.#onRefused(name)
    throw new SottoError('RATE_LIMITED', {
      detail: `rate limit ${name} exceeded (${count} per ${seconds} seconds)`,
      retryAfterMs: Math.ceil(tightest.nextMs),
    })
  }

  async #verdict(charges: readonly Charge[]): Promise<Verdict> {
    const own = this.#buckets.take(charges)
    if (!own.isAllowed) return own
    const owed = await this.#shared?.take(charges)
    return owed ? judge(charges, owed) : own
  }
}

function chargeOf(policy: Policy, key: string): Charge {
  return { key: `${policy.name}:${key}`, policy }
}
