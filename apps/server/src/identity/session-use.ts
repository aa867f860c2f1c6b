import { type Executor, markSessionsUsed } from '@sotto/db'
import type { Logger } from 'pino'

/** How often a session's last use is written at most, in milliseconds. */
const WRITE_MS = 60_000
/** How long uses are gathered before they are written together, in milliseconds. */
const GATHER_MS = 1_000

interface Options {
  db: Executor
  now: () => Date
  log: Logger
}

/** Keeps when sessions were last used: to the minute, beside the requests, all sessions of a second in one write. */
export class SessionUse {
  readonly #options: Options
  #used = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #writing = Promise.resolve()

  constructor(options: Options) {
    this.#options = options
  }

  /** @param lastUsedAt as it is kept. */
  note(sessionId: string, lastUsedAt: Date): void {
    if (this.#options.now().getTime() - lastUsedAt.getTime() < WRITE_MS) return
    this.#used.add(sessionId)
    this.#timer ??= setTimeout(() => this.#write(), GATHER_MS).unref()
  }

  /** Writes what is still to be written. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#write()
    await this.#writing
  }

  #write(): void {
    this.#timer = undefined
    const ids = [...this.#used]
    if (ids.length === 0) return
    this.#used = new Set()
    this.#writing = this.#writing.then(() => this.#mark(ids))
  }

  async #mark(ids: readonly string[]): Promise<void> {
    const { db, now, log } = this.#options
    const at = now()
    const notSince = new Date(at.getTime() - WRITE_MS)
    try {
      await db.transaction().execute((trx) => markSessionsUsed(trx, ids, at, notSince))
    } catch (error) {
      // Told again at the next use.
      log.warn({ err: error }, "the sessions' last use cannot be written")
    }
  }
}
