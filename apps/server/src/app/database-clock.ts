import { type Executor, readDatabaseTime } from '@sotto/db'
import type { Logger } from 'pino'

/** How often the database is asked for the time, in milliseconds. */
const MEASURE_MS = 60_000
/** How often to check whether the host's clock was set, which is measured immediately, in milliseconds. */
const CHECK_MS = 1_000
/** By how much the host's clock and elapsed time may disagree before the clock counts as set, in milliseconds. */
const STEP_MS = 250
/** The difference at which a warning is logged, in milliseconds. */
const WARNING_MS = 1_000

interface Options {
  log: Pick<Logger, 'warn'>
  /** The clock of this host. Tests replace it. */
  hostNow?: (() => Date) | undefined
}

/**
 * The host's clock, corrected by its measured difference from the PostgreSQL server's, so that all servers of a database
 * agree on the time. With SQLite, the host's clock.
 */
export class DatabaseClock {
  readonly #hostNow: () => Date
  readonly #log: Options['log']
  /** How far the database is ahead of this host, in milliseconds. */
  #aheadMs = 0
  #reportedMs = 0
  #measuredAt = 0
  /** The difference between the host's clock and elapsed time at the last measurement. */
  #startedAt = 0
  #timer: NodeJS.Timeout | undefined
  #measuring: Promise<void> | undefined

  constructor({ log, hostNow = () => new Date() }: Options) {
    this.#log = log
    this.#hostNow = hostNow
  }

  readonly now = (): Date => new Date(this.#hostNow().getTime() + this.#aheadMs)

  /** Measures the difference, and again regularly until closed. Does nothing with SQLite. */
  async follow(db: Executor): Promise<void> {
    if (!(await this.measure(db))) return
    this.#timer = setInterval(() => {
      if (!this.#isDue()) return
      // Until the database is available again, the last difference holds.
      this.#measuring ??= this.measure(db)
        .then(
          () => {},
          () => {},
        )
        .finally(() => {
          this.#measuring = undefined
        })
    }, CHECK_MS)
    this.#timer.unref()
  }

  /** Measures the difference once. @returns false if the database has no clock of its own. */
  async measure(db: Executor): Promise<boolean> {
    const sentAt = this.#hostNow().getTime()
    const time = await readDatabaseTime(db)
    const receivedAt = this.#hostNow().getTime()
    if (!time) return false
    this.#measuredAt = performance.now()
    this.#startedAt = receivedAt - this.#measuredAt
    const at = time.getTime()
    // Between the two, the clocks do not measurably differ.
    const isEqual = sentAt <= at && at <= receivedAt
    this.#aheadMs = isEqual ? 0 : Math.round(at - (sentAt + receivedAt) / 2)
    this.#report()
    return true
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#measuring
  }

  #isDue(): boolean {
    const elapsed = performance.now()
    const step = Math.abs(this.#hostNow().getTime() - elapsed - this.#startedAt)
    return elapsed - this.#measuredAt >= MEASURE_MS || step > STEP_MS
  }

  #report(): void {
    if (Math.abs(this.#aheadMs - this.#reportedMs) < WARNING_MS) return
    this.#reportedMs = this.#aheadMs
    this.#log.warn(
      { aheadMs: this.#aheadMs },
      'the clock of the database differs from the clock of this host, using the time of the database',
    )
  }
}
