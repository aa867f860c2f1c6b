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
  /** Writes that all of these were used, save where a use later than `unlessAfter` is noted: by another server, say. */
  write: (ids: readonly string[], use: { at: Date; unlessAfter: Date }) => Promise<void>
}

/** Notes when credentials were last used: to the minute, and never while a request waits for it. */
export class LastUsed {
  readonly #options: Options
  /** When a use was last noted here, in milliseconds since 1970. */
  readonly #notedAt = new Map<string, number>()
  readonly #waiting = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** @param keptAt the last use that is written, where the caller has just read it. */
  note(id: string, keptAt?: Date): void {
    const at = this.#options.now()
    const notedAt = this.#notedAt.get(id) ?? keptAt?.getTime()
    if (notedAt !== undefined && at.getTime() - notedAt < RESOLUTION_MS) return
    if (this.#notedAt.size >= MAX_REMEMBERED) this.#notedAt.clear()
    this.#notedAt.set(id, at.getTime())
    this.#waiting.add(id)
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref()
  }

  /** Writes what waits. A use that cannot be written is lost: it is worth no failure. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { now, log, write } = this.#options
    const ids = [...this.#waiting]
    this.#waiting.clear()
    if (ids.length === 0) return
    const at = now()
    try {
      await write(ids, { at, unlessAfter: new Date(at.getTime() - RESOLUTION_MS) })
    } catch (error) {
      log.warn({ err: error, ids }, 'writing the last use of credentials failed')
    }
  }
}
