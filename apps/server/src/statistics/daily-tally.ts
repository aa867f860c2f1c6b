import { setImmediate as nextImmediate, setTimeout as wait } from 'node:timers/promises'
import { type EventRow, LogReader, type StatisticsPosition, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'

/** How often the log is counted if nobody requests statistics, in milliseconds. */
const INTERVAL_MS = 60_000
/** The number of events per transaction, and of transactions per update. */
const BATCH_SIZE = 500
const MAX_BATCHES = 10
/** The pause between updates while more events are waiting, in milliseconds. */
const PAUSE_MS = 50

const DAY_MS = 24 * 60 * 60 * 1_000
/** How long the active users of a day are kept, in days, for events that are logged late. */
const KEEP_DAYS = 2

/** The events that count a user as active: those caused by a person, not automatically by a client. */
const ACTIVITY: ReadonlySet<EventRow['type']> = new Set([
  'message.created',
  'message.edited',
  'reaction.added',
  'receipt.read',
])

/**
 * Counts messages and active users per day from the event log.
 *
 * Counting a day's messages on each request would read all of them. Instead, the log is read once, in commit order, in
 * the background. The transaction that counts events also advances the stored position, so servers do not need to
 * coordinate: only one of them can advance from a given position.
 */
export class DailyTally {
  readonly #options: Pick<Runtime, 'db' | 'now' | 'log'>
  readonly #reader: LogReader
  readonly #stopping = new AbortController()
  #updating: Promise<boolean> | undefined
  #running: Promise<void> | undefined

  constructor(options: Pick<Runtime, 'db' | 'now' | 'log'>) {
    this.#options = options
    this.#reader = new LogReader(options.db)
  }

  /** Starts counting in the background, until closed. */
  start(): void {
    this.#running ??= this.#run()
  }

  /**
   * Counts the events that were logged since the last update, at most 5,000.
   *
   * @returns whether there may be more.
   */
  async update(): Promise<boolean> {
    this.#updating ??= this.#countBatches().finally(() => {
      this.#updating = undefined
    })
    return this.#updating
  }

  /** Stops after the current batch. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#updating?.catch(() => {})
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    let pause = INTERVAL_MS
    while (!signal.aborted) {
      // The loop checks the signal.
      await wait(pause, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return
      try {
        pause = (await this.update()) ? PAUSE_MS : INTERVAL_MS
      } catch (error) {
        this.#options.log.warn({ err: error }, 'counting the event log failed, will retry')
        pause = INTERVAL_MS
      }
    }
  }

  async #countBatches(): Promise<boolean> {
    const from = await this.#findPosition()
    for (let batch = 0; from && batch < MAX_BATCHES; batch += 1) {
      if (this.#stopping.signal.aborted) return false
      const { rows: events } = await this.#reader.read(from.position, BATCH_SIZE)
      const last = events.at(-1)
      if (!last) return false
      const to = { epoch: from.epoch, position: { xid: last.xid, id: last.id } }
      if (!(await this.#count(from, to, events))) return false
      if (events.length < BATCH_SIZE) return false
      from.position = to.position
      // SQLite is synchronous, so other work would otherwise never get a turn.
      await nextImmediate()
    }
    return from !== undefined
  }

  /** Where to continue; undefined if another server has just moved the position. */
  async #findPosition(): Promise<StatisticsPosition | undefined> {
    const { db, log } = this.#options
    const position = await store.statistics.findPosition(db)
    const epoch = await store.eventLog.findEpoch(db)
    if (position.epoch === epoch) return position
    // After a restore or an import it is unknown which events were counted, so only new ones are.
    const end = { epoch, position: (await store.eventLog.findEnd(db)).position }
    if (!(await db.transaction().execute((trx) => store.statistics.movePosition(trx, position, end))))
      return undefined
    log.warn('the event log was replaced, statistics continue from its end')
    return end
  }

  /** @returns false if another server has already counted these events. */
  async #count(
    from: StatisticsPosition,
    to: StatisticsPosition,
    events: readonly EventRow[],
  ): Promise<boolean> {
    const days = [...Map.groupBy(events, (event) => dayOf(event.created_at).getTime())]
    return this.#options.db.transaction().execute(async (trx) => {
      if (!(await store.statistics.movePosition(trx, from, to))) return false
      for (const [time, ofDay] of days) {
        const day = new Date(time)
        const messages = ofDay.filter(({ type }) => type === 'message.created').length
        const activeUsers = await store.statistics.insertActiveUsers(trx, day, activeIn(ofDay))
        if (messages > 0 || activeUsers > 0)
          await store.statistics.addToDay(trx, { day, messages, activeUsers })
      }
      const latest = Math.max(...days.map(([time]) => time))
      await store.statistics.removeActiveUsers(trx, new Date(latest - KEEP_DAYS * DAY_MS))
      return true
    })
  }
}

function activeIn(events: readonly EventRow[]): string[] {
  const ids = events.flatMap(({ type, user_id: id }) => (ACTIVITY.has(type) && id !== null ? [id] : []))
  return [...new Set(ids)]
}

/** The start of a time's day in UTC. */
export function dayOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / DAY_MS) * DAY_MS)
}
