import { setImmediate as nextImmediate, setTimeout as wait } from 'node:timers/promises'
import { type EventRow, type StatisticsPosition, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'

/** How often the log is counted when nobody looks at the numbers, in milliseconds. */
const INTERVAL_MS = 60_000
/** How many events one transaction counts, how many transactions follow each other, and the pause then, in milliseconds. */
const BATCH = 500
const PARTS = 10
const PAUSE_MS = 50

const DAY_MS = 24 * 60 * 60 * 1_000
/** For how long events of a day may still come after those of the next one, in days. */
const LATE_DAYS = 2

/** What makes somebody active: what a person does, and no client by itself. */
const ACTIVITY: ReadonlySet<EventRow['type']> = new Set([
  'message.created',
  'message.edited',
  'reaction.added',
  'receipt.read',
])

/**
 * Counts by days what happens, from the event log: each message once, and each user once a day.
 *
 * Counting the messages of a day whenever somebody looks would cost as much as there are messages. The log is read
 * once instead, in commit order, beside whatever else happens; how far it is stands in the transaction that counts.
 * So servers need not agree on who does it: whoever moves the place on has counted, and the others find it moved.
 */
export class DailyTally {
  readonly #options: Pick<Runtime, 'db' | 'now' | 'log'>
  readonly #stopping = new AbortController()
  #looking: Promise<boolean> | undefined
  #going: Promise<void> | undefined

  constructor(options: Pick<Runtime, 'db' | 'now' | 'log'>) {
    this.#options = options
  }

  /** Begins to count, and goes on until it is closed. */
  start(): void {
    this.#going ??= this.#goOn()
  }

  /**
   * Counts what the log has by now, up to a bound: some thousand events.
   *
   * @returns whether there is more.
   */
  async look(): Promise<boolean> {
    this.#looking ??= this.#countParts().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Stops after the part that is being counted. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#going
    await this.#looking?.catch(() => {})
  }

  async #goOn(): Promise<void> {
    const { signal } = this.#stopping
    let pause = INTERVAL_MS
    while (!signal.aborted) {
      // Ends with the signal, which the loop asks.
      await wait(pause, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return
      try {
        pause = (await this.look()) ? PAUSE_MS : INTERVAL_MS
      } catch (error) {
        this.#options.log.warn({ err: error }, 'counting the event log failed, will retry')
        pause = INTERVAL_MS
      }
    }
  }

  async #countParts(): Promise<boolean> {
    const place = await this.#place()
    for (let part = 0; place && part < PARTS; part += 1) {
      if (this.#stopping.signal.aborted) return false
      const events = await store.eventLog.read(this.#options.db, place.position, BATCH)
      const last = events.at(-1)
      if (!last) return false
      const to = { epoch: place.epoch, position: { xid: last.xid, id: last.id } }
      if (!(await this.#count(place, to, events))) return false
      if (events.length < BATCH) return false
      place.position = to.position
      // Others have their turn, also where the database answers at once.
      await nextImmediate()
    }
    return place !== undefined
  }

  /** Where to go on; undefined when somebody else is about to. */
  async #place(): Promise<StatisticsPosition | undefined> {
    const { db, log } = this.#options
    const place = await store.statistics.findPosition(db)
    const epoch = await store.eventLog.findEpoch(db)
    if (place.epoch === epoch) return place
    // After a restore or an import: what was counted by then cannot be known, so what comes from now on is.
    const end = { epoch, position: (await store.eventLog.findEnd(db)).position }
    if (!(await db.transaction().execute((trx) => store.statistics.movePosition(trx, place, end))))
      return undefined
    log.warn('the event log was replaced, statistics continue from its end')
    return end
  }

  /** @returns false when somebody else has counted these events. */
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
      await store.statistics.removeActiveUsers(trx, new Date(latest - LATE_DAYS * DAY_MS))
      return true
    })
  }
}

function activeIn(events: readonly EventRow[]): string[] {
  const ids = events.flatMap(({ type, user_id: id }) => (ACTIVITY.has(type) && id !== null ? [id] : []))
  return [...new Set(ids)]
}

/** The beginning of a moment's day, in UTC. */
export function dayOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / DAY_MS) * DAY_MS)
}
