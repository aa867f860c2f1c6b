import type { Logger } from 'pino'

/** The resolution of the stored times, in milliseconds: at most one write per credential in this time. */
const RESOLUTION_MS = 60_000
/** The delay before writing, in milliseconds: the request has been answered by then. */
const DELAY_MS = 1_000
/** The maximum number of remembered credentials; beyond that all are forgotten, which costs a write each. */
const MAX_REMEMBERED = 10_000

interface Options {
  now: () => Date
  log: Logger
  /** Writes the last use, except where a later one than `unlessAfter` is stored, for example by another server. */
  write: (ids: readonly string[], use: { at: Date; unlessAfter: Date }) => Promise<void>
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

  /** @param keptAt the stored last use, if the caller has just read it. */
  note(id: string, keptAt?: Date): void {
    const at = this.#options.now()
    const notedAt = this.#notedAt.get(id) ?? keptAt?.getTime()
    if (notedAt !== undefined && at.getTime() - notedAt < RESOLUTION_MS) return
    if (this.#notedAt.size >= MAX_REMEMBERED) this.#notedAt.clear()
    this.#notedAt.set(id, at.getTime())
    this.#waiting.add(id)
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref()
  }

  /** Writes the pending uses. A failed write only loses them. */
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
