import { hash, verify } from '@node-rs/argon2'
import { preparePassword, SottoError } from '@sotto/contract'

/** Argon2id with the parameters of OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane. */
const PRODUCTION_COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** The lowest cost that Argon2 supports. */
const TEST_COST = { memoryCost: 8, timeCost: 1, parallelism: 1 }

/** The maximum number of concurrent hashes. Each occupies a core that other requests also need. */
const CONCURRENCY = 2
/** The maximum queue length, about two seconds of work. Further calls are rejected. */
const MAX_WAITING = 200

interface Verdict {
  isCorrect: boolean
  /** Whether a correct password should be hashed again. */
  isOutdated: boolean
}

/** Hashes and verifies passwords with bounded concurrency. */
export class Passwords {
  #running = 0
  readonly #waiting: (() => void)[] = []
  readonly #cost: typeof PRODUCTION_COST
  #unknownUserHash: Promise<string> | undefined

  /** @param fast for tests only: hashes take microseconds and protect nothing. */
  constructor(fast = false) {
    this.#cost = fast ? TEST_COST : PRODUCTION_COST
  }

  /** The number of queued passwords. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** @throws {SottoError} RATE_LIMITED if too many are waiting. */
  hash(password: string): Promise<string> {
    return this.#queued(() => hash(preparePassword(password), this.#cost))
  }

  /**
   * Takes the same time for unknown users and users without a password as for a wrong password.
   *
   * @throws {SottoError} RATE_LIMITED if too many are waiting.
   */
  async verify(passwordHash: string | undefined, password: string): Promise<Verdict> {
    const expected = passwordHash ?? (await this.#hashOfUnknownUser())
    const prepared = preparePassword(password)
    // Hashes of earlier releases are of the password as it was typed.
    for (const form of new Set([prepared, password])) {
      const isCorrect = await this.#queued(() => verify(expected, form))
      if (isCorrect && passwordHash !== undefined) {
        return { isCorrect, isOutdated: form !== prepared || this.#isOutdated(passwordHash) }
      }
    }
    return { isCorrect: false, isOutdated: false }
  }

  #hashOfUnknownUser(): Promise<string> {
    this.#unknownUserHash ??= hash('unknown user', this.#cost)
    return this.#unknownUserHash
  }

  /** Whether a hash has weaker parameters than new hashes. */
  #isOutdated(passwordHash: string): boolean {
    // The PHC string format: $argon2id$v=19$m=19456,t=2,p=1$salt$hash
    const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(passwordHash) ?? []
    return !(Number(memory) >= this.#cost.memoryCost && Number(time) >= this.#cost.timeCost)
  }

  async #queued<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= CONCURRENCY) {
      if (this.#waiting.length >= MAX_WAITING) {
        throw new SottoError('RATE_LIMITED', { detail: 'too many password checks in progress' })
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running++
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}
