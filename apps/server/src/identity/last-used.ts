import type { Logger } from 'pino'

/** How coarse the times are that are written, in milliseconds: at most one write in this time for each. */
const RESOLUTION_MS = 60_000
/** How long a use waits to be written, in milliseconds: the request that it comes with is answered by then. */
const DELAY_MS = 1_000
/** How many are remembered; beyond that all are forgotten, which costs a write each. */
const MAX_REMEMBERED = 10_000

interface Options {
  now: () => Date
  log: Logger
  /** Writes that `id` was used, unless a use later than `unlessAfter` is noted: by another server, say. */
  write: (id: string, use: { at: Date; unlessAfter: Date }) => Promise<void>
}

/** Notes when credentials were last used: to the minute, and never while a request waits for it. */
export class LastUsed {
  readonly #options: Options
  /** When a use was last noted here, in milliseconds since 1970. */
  readonly #notedAt = new Map<string, number>()
  readonly #waiting = new Map<string, Date>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
  }

  note(id: string): void {
    const at = this.#options.now()
    const notedAt = this.#notedAt.get(id)
    if (notedAt !== undefined && at.getTime() - notedAt < RESOLUTION_MS) return
    if (this.#notedAt.size >= MAX_REMEMBERED) this.#notedAt.clear()
    this.#notedAt.set(id, at.getTime())
    this.#waiting.set(id, at)
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref()
  }

  /** Writes what waits. A use that cannot be written is lost: it is worth no failure. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const uses = [...this.#waiting]
    this.#waiting.clear()
    for (const [id, at] of uses) {
      try {
        await this.#options.write(id, { at, unlessAfter: new Date(at.getTime() - RESOLUTION_MS) })
      } catch (error) {
        this.#options.log.warn({ err: error, id }, 'the last use of a credential could not be written')
      }
    }
  }
}
