import { setImmediate } from 'node:timers/promises'
import { type EventRow, type Executor, LogReader, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { Metrics } from '../metrics/metrics.ts'
import { type LogPoint, pointOf } from './event-cursor.ts'

/** How often the log is read without a hint, in milliseconds: the longest delay that a lost hint causes. */
const POLL_MS = 1_000
/** How soon the log is read again while an older transaction holds it back. Doubles each time, up to POLL_MS. */
const UNSETTLED_MS = 5
/** After how long a transaction that holds the log back is reported in the server log, and how often. In milliseconds. */
const BLOCKER_MS = 2_000
const BLOCKER_REPORT_MS = 10_000
const BATCH = 500

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  metrics: Pick<Metrics, 'hintMissed'>
  /** The log is read only while this is true. */
  isNeeded: () => boolean
  /** Called before reading starts at the end of the log: everything up to there is skipped. */
  onStart: () => void
  deliver: (batch: LogBatch) => Promise<void>
}

/** The events after the tail's position. */
export interface LogBatch {
  epoch: string
  rows: readonly EventRow[]
  /** Must be called for each row in order, without an await after delivering the row. */
  advance(row: EventRow): void
}

export interface TailState {
  /** When the log was last read, on the clock of `performance.now()`. */
  readAt: number
  /** Whether committed events wait for an older transaction to end. */
  isHeldBack: boolean
  /** This transaction, if it has been open for a while. */
  blocker: Blocker | undefined
}

/** A transaction that holds the log back. */
interface Blocker {
  /** Null for a prepared transaction. */
  pid: number | null
  application: string
  /** When it started, on the clock of `performance.now()`. */
  since: number
}

/** Reads new events in log order, once for all streams of this server. */
export class LogTail {
  readonly #options: Options
  readonly #reader: LogReader
  #end: LogPoint
  #starting: Promise<void> | undefined
  #reading: Promise<void> | undefined
  #hints = 0
  #endRest: (() => void) | undefined
  #isClosed = false
  #state: TailState | undefined
  #blockerReportedAt = Number.NEGATIVE_INFINITY

  constructor(options: Options) {
    this.#options = options
    this.#reader = new LogReader(options.db)
    this.#end = { epoch: '', position: { xid: '0', id: 0 }, at: options.now() }
  }

  /** The position of the last delivered event. Only valid once `start` has resolved. */
  get end(): LogPoint {
    return this.#end
  }

  /** Undefined while the log is not being read. */
  get state(): Readonly<TailState> | undefined {
    return this.#state
  }

  /** The log may have grown. */
  hint(): void {
    this.#hints++
    this.wake()
  }

  /** Ends the current wait. Call it when the log is no longer needed, so that reading stops immediately. */
  wake(): void {
    this.#endRest?.()
  }

  /** Resolves once the log is being read. `isNeeded` must be true until then. */
  async start(): Promise<void> {
    if (this.#reading !== undefined) return
    this.#starting ??= this.#startAtEnd().finally(() => {
      this.#starting = undefined
    })
    await this.#starting
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.wake()
    await this.#reading
  }

  async #startAtEnd(): Promise<void> {
    const { db, now, onStart } = this.#options
    const epoch = await store.eventLog.findEpoch(db)
    const { position, at } = await store.eventLog.findEnd(db)
    onStart()
    this.#end = { epoch, position, at: at ?? now() }
    this.#run()
  }

  #run(): void {
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined
      this.#state = undefined
      // A stream may have opened while reading was ending. Nothing has been skipped.
      if (this.#shouldRead()) this.#run()
    })
  }

  #shouldRead(): boolean {
    return !this.#isClosed && this.#options.isNeeded()
  }

  async #read(): Promise<void> {
    const { log, metrics, deliver } = this.#options
    let pause = UNSETTLED_MS
    /** The number of hints before the log was last read to its end; undefined while there may be more events. */
    let hintsAtEnd: number | undefined
    while (this.#shouldRead()) {
      const hints = this.#hints
      try {
        const { rows, isHeldBack } = await this.#reader.read(this.#end.position, BATCH)
        const readAt = performance.now()
        if (rows.length > 0 && hintsAtEnd === hints && hints === this.#hints) metrics.hintMissed()
        const isWaiting = isHeldBack && rows.length === 0
        const blocker = isWaiting && pause >= POLL_MS ? await this.#findBlocker() : undefined
        this.#state = { readAt, isHeldBack: isWaiting, blocker }
        const mayHaveMore = isHeldBack || rows.length === BATCH
        hintsAtEnd = mayHaveMore ? undefined : hints
        if (rows.length > 0) {
          await deliver(this.#batchOf(rows))
          // On SQLite, neither of these waits for anything, so other requests would not be served in between.
          await setImmediate()
          pause = UNSETTLED_MS
          if (mayHaveMore) continue
        }
        await this.#rest(isWaiting ? pause : POLL_MS, hints)
        pause = isWaiting ? Math.min(pause * 2, POLL_MS) : UNSETTLED_MS
      } catch (error) {
        // No event is lost, because the position has not advanced.
        log.warn({ err: error }, 'reading the event log failed, will retry')
        await this.#rest(POLL_MS, this.#hints)
      }
    }
  }

  #batchOf(rows: readonly EventRow[]): LogBatch {
    const { epoch } = this.#end
    const advance = (row: EventRow) => {
      this.#end = pointOf(epoch, row)
    }
    return { epoch, rows, advance }
  }

  /** Waits for a hint, for at most this long. Returns early if the log is no longer needed. */
  async #rest(ms: number, seenHints: number): Promise<void> {
    if (this.#hints !== seenHints || !this.#shouldRead()) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endRest = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#endRest = undefined
  }

  /** Also reports the transaction in the server's log, every ten seconds. */
  async #findBlocker(): Promise<Blocker | undefined> {
    const blocker = await store.logHorizon.findBlocker(this.#options.db, BLOCKER_MS)
    if (!blocker) return undefined
    const now = performance.now()
    if (now - this.#blockerReportedAt >= BLOCKER_REPORT_MS) {
      this.#blockerReportedAt = now
      this.#options.log.warn(blocker, 'an open transaction holds back the event log')
    }
    return { pid: blocker.pid, application: blocker.application, since: now - blocker.ageMs }
  }
}
