import type { Use } from '@sotto/db'
import type { Logger } from 'pino'
import { isBelievable, latestBelievable } from '../lib/clock.ts'

/** The resolution of the stored times, in milliseconds. Each credential is written at most once in this time. */
const RESOLUTION_MS = 60_000
/** The delay before writing, in milliseconds, so that the response is sent first. */
const DELAY_MS = 1_000
/** The maximum number of remembered credentials. Beyond that all are forgotten, which costs one more write each. */
const MAX_REMEMBERED = 10_000

interface Options {
  now: () => Date
  log: Logger
  /** Writes the last use. */
  write: (ids: readonly string[], use: Use) => Promise<void>
}

/** Records when credentials were last used, to the minute and without delaying requests. */
export class LastUsed {
  readonly #options: Options
  /** When a use was last recorded here, in Unix milliseconds. */
  readonly #notedAt = new Map<string, number>()
  readonly #waiting = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** @param storedAt the stored last use, if the caller has just read it. */
  note(id: string, storedAt?: Date): void {
    const at = this.#options.now()
    const noted = this.#notedAt.get(id)
    const lastAt = noted === undefined ? storedAt : new Date(noted)
    const isRecent = lastAt && at.getTime() - lastAt.getTime() < RESOLUTION_MS
    if (isRecent && isBelievable(lastAt, at)) return
    if (this.#notedAt.size >= MAX_REMEMBERED) this.#notedAt.clear()
    this.#notedAt.set(id, at.getTime())
    this.#waiting.add(id)
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref()
  }

  /** Writes the pending uses. If that fails, they are lost. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { now, log, write } = this.#options
    const ids = [...this.#waiting]
    this.#waiting.clear()
    if (ids.length === 0) return
    const at = now()
    try {
      await write(ids, {
        at,
        unlessAfter: new Date(at.getTime() - RESOLUTION_MS),
        latest: latestBelievable(at),
      })
    } catch (error) {
      log.warn({ err: error, ids }, 'writing the last use of credentials failed')
    }
  }
}
