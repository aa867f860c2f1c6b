import { hash, verify } from '@node-rs/argon2'
import { SottoError } from '@sotto/contract'

/** Argon2id with the parameters of OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The number of concurrent hashes. Each takes a whole core, which messages also need. */
const CONCURRENCY = 2
/** The maximum queue length, about 2 s of work. Further calls are rejected. */
const MAX_WAITING = 200

/** Hashes and verifies passwords with bounded concurrency. */
export class Passwords {
  #running = 0
  readonly #waiting: (() => void)[] = []
  #unknownUserHash: Promise<string> | undefined

  /** The number of passwords waiting. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** @throws {SottoError} RATE_LIMITED when too many are waiting. */
  hash(password: string): Promise<string> {
    return this.#queued(() => hash(password, ARGON2))
  }

  /**
   * Takes the same time for unknown users and users without a password as for a wrong password.
   *
   * @throws {SottoError} RATE_LIMITED when too many are waiting.
   */
  async verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    if (passwordHash === undefined) {
      this.#unknownUserHash ??= hash('nobody has this password', ARGON2)
      const unknown = await this.#unknownUserHash
      await this.#queued(() => verify(unknown, password))
      return false
    }
    return this.#queued(() => verify(passwordHash, password))
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

/** Whether a hash has weaker parameters than new hashes. */
export function isOutdated(passwordHash: string): boolean {
  // The PHC string format: $argon2id$v=19$m=19456,t=2,p=1$salt$hash
  const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(passwordHash) ?? []
  return !(Number(memory) >= ARGON2.memoryCost && Number(time) >= ARGON2.timeCost)
}
