import { createHash } from 'node:crypto'
import { type LimitName, limitNames, SottoError } from '@sotto/contract'
import type { Caller } from '../auth/caller.ts'
import { Buckets, type Charge, judge, type Policy, policyOf, type Verdict } from './buckets.ts'
import { networkOf } from './network-of.ts'
import type { Origin } from './origin.ts'
import type { Rate, Rates } from './rates.ts'
import type { SharedBuckets } from './shared-buckets.ts'

/**
 * The limits per address, and per username from any address, are this multiple of a user's rate: an office or a mobile
 * network can share an address, and a single attacker must not use up the limit of a username.
 */
const SHARED_FACTOR = 10

/**
 * How often a user can check whether an email address is taken, by signing up or changing their own. Fixed, and off
 * together with the limit of logins.
 */
const EMAILS: Rate = { count: 10, seconds: 3_600 }

/** Callers can send usernames of any length. In characters. */
const MAX_KEY_LENGTH = 64

interface Options {
  rates: Rates
  now: () => Date
  /** Undefined for a single server. */
  shared: SharedBuckets | undefined
  /** Called with the policy that a call exceeded. */
  onRejected: (policy: string) => void
}

/** The policies of one kind of call. */
interface Policies {
  own: Policy
  address: Policy
}

/**
 * Rate limits: users are limited by account and by address, anonymous callers by address, and service keys by their
 * own rate, if set.
 *
 * With several servers the buckets are in Redis and shared. Each server also counts locally, so that callers over their
 * limit do not reach Redis, and limits still apply if Redis is not available.
 */
export class Limits {
  readonly #policies = new Map<LimitName, Policies>()
  #keys: Policy | undefined
  #usernames: Policy | undefined
  #emails: Policies | undefined
  readonly #buckets: Buckets
  readonly #shared: SharedBuckets | undefined
  readonly #onRejected: Options['onRejected']

  constructor({ rates, now, shared, onRejected }: Options) {
    this.#onRejected = onRejected
    for (const name of limitNames) {
      const rate = rates[name]
      if (!rate) continue
      this.#policies.set(name, policiesOf(name, rate))
      if (name === 'logins') {
        this.#usernames = policyOf('logins-username', sharedRateOf(rate))
        this.#emails = policiesOf('emails', EMAILS)
      }
    }
    if (rates.keys) this.#keys = policyOf('keys', rates.keys)
    const longest = Math.max(EMAILS.seconds, ...Object.values(rates).map((rate) => rate?.seconds ?? 0))
    this.#buckets = new Buckets(now, longest)
    this.#shared = shared
  }

  /**
   * Charges one call of the caller.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  async charge(name: LimitName, caller: Caller, origin: Origin): Promise<void> {
    if (caller.kind === 'key') {
      if (this.#keys) await this.#take([chargeOf(this.#keys, caller.keyId)], origin)
      return
    }
    await this.#chargeCaller(this.#policies.get(name), caller, origin)
  }

  /**
   * Charges setting an email address, which reveals whether another user has it. Not for keys, which can read addresses.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  async chargeEmail(caller: Caller, origin: Origin): Promise<void> {
    if (caller.kind !== 'key') await this.#chargeCaller(this.#emails, caller, origin)
  }

  async #chargeCaller(
    policies: Policies | undefined,
    caller: Exclude<Caller, { kind: 'key' }>,
    origin: Origin,
  ): Promise<void> {
    if (!policies) return
    const charges: Charge[] = []
    if (caller.kind === 'user') charges.push(chargeOf(policies.own, caller.actor.id))
    if (origin.address !== null) charges.push(chargeOf(policies.address, networkOf(origin.address)))
    await this.#take(charges, origin)
  }

  /**
   * Charges one password check, which is expensive and may be a guess.
   *
   * @param user the id of the user, or a username that does not exist.
   * @throws {SottoError} RATE_LIMITED
   */
  async chargeSignIn(user: string, origin: Origin): Promise<void> {
    const policies = this.#policies.get('logins')
    if (!policies || !this.#usernames || origin.address === null) return
    const network = networkOf(origin.address)
    const userKey = shortKeyOf(user)
    await this.#take(
      [
        chargeOf(policies.own, `${network} ${userKey}`),
        chargeOf(policies.address, network),
        chargeOf(this.#usernames, userKey),
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
    this.#onRejected(name)
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

/** Two long names never share a limit: that would reveal that neither is the name of a user, whose limit is by id. */
function shortKeyOf(user: string): string {
  return user.length <= MAX_KEY_LENGTH ? user : createHash('sha256').update(user).digest('base64url')
}

function policiesOf(name: string, rate: Rate): Policies {
  return { own: policyOf(name, rate), address: policyOf(`${name}-address`, sharedRateOf(rate)) }
}

function sharedRateOf(rate: Rate): Rate {
  return { ...rate, count: rate.count * SHARED_FACTOR }
}

function chargeOf(policy: Policy, key: string): Charge {
  return { key: `${policy.name}:${key}`, policy }
}
