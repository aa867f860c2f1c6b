import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { SottoError } from '@sotto/contract'
import {
  comparePositions,
  countMissedEvents,
  type EventRow,
  type Executor,
  findBlocksBetween,
  findEventTime,
  findLogBlocker,
  findLogEnd,
  findLogEpoch,
  hasUnsettledEvents,
  type LogPosition,
  readLog,
  readMissedEvents,
} from '@sotto/db'
import type { Logger } from 'pino'
import type { DeliveryMarks } from '../messaging/delivery-marks.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { Audience } from './audience.ts'
import { decodeEventCursor, type EventCursor, encodeEventCursor } from './event-cursor.ts'
import { findShownMessages, type ShowConversation, type ShownMessages, viewOf } from './event-view.ts'
import { MAX_TAKEN_BYTES, type Replay, type StreamItem, Subscription } from './subscription.ts'

/** How often the log is read without any hint, in milliseconds. A lost hint costs no more than this. */
const POLL_MS = 1_000
/** How soon it is read again while an older transaction holds it back; doubled up to the poll's time. */
const UNSETTLED_MS = 5
/** A transaction that has held the log back for so long is named in the server's log, now and then. */
const BLOCKER_MS = 2_000
const BLOCKER_REPORT_MS = 10_000
const BATCH = 500
/** How many missed events are handed over; who has missed more reloads, which is cheaper for both. */
const MAX_MISSED = 10_000
/** How many of them are read from the log, and at most how many are fetched whole, at once. */
const REPLAY_PAGE = 500
const REPLAY_PART = 100
const FIRST_PART = 20
/** How long a reader waits who has seen more, on another server, than this one has read yet. */
const AHEAD_MS = 5
const MAX_STREAMS_OF_A_USER = 20

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  deliveryMarks: DeliveryMarks
  showConversation: ShowConversation
  maxStreams: number
  /** How long events are kept, in milliseconds: an older cursor cannot be continued. */
  retentionMs: number
  /** Called when a user's first stream opens, and when the last one closes. */
  onPresence: (userId: string, online: boolean) => void
  metrics: Pick<Metrics, 'eventTaken' | 'eventHandedOn' | 'hintMissed'>
  tracing: Pick<Tracing, 'deliver'>
}

/** How the reading of the log stands. */
export interface TailState {
  /** When it was last read, on the clock of `performance.now()`. */
  readAt: number
  /** Whether committed rows wait for an older transaction to end. */
  isHeldBack: boolean
  /** The one that they wait for, once it has lasted for a while. */
  blocker: Blocker | undefined
}

/** A transaction that holds the log back. */
interface Blocker {
  pid: number
  application: string
  /** When it began, on the clock of `performance.now()`. */
  since: number
}

/** A place in the log, and when what is there was written. */
interface Place {
  position: LogPosition
  at: Date
}

export interface SubscribeOptions {
  userId: string
  conversationId?: string | undefined
  watched?: ReadonlySet<string> | undefined
  cursor?: string | undefined
  /** Called once, when the stream has ended. */
  onEnd?: (stream: Subscription) => void
}

/**
 * Reads the event log in order, once for this process, and hands each event to those of its subscribers whom it
 * concerns. Reads only while there is somebody.
 */
export class EventHub {
  readonly #options: Options
  readonly #streams = new Map<string, Set<Subscription>>()
  readonly #watchers = new Map<string, Set<Subscription>>()
  readonly #audience: Audience
  /** Streams, and those about to be: the tail goes on for both. */
  #count = 0
  #end: Place
  #epoch = ''
  #starting: Promise<void> | undefined
  #tailing: Promise<void> | undefined
  #watching = Promise.resolve()
  #hints = 0
  #wake: (() => void) | undefined
  #stopped = false
  #blockerReportedAt = Number.NEGATIVE_INFINITY
  #tailState: TailState | undefined

  constructor(options: Options) {
    this.#options = options
    this.#audience = new Audience(options.db)
    this.#end = { position: { xid: '0', id: 0 }, at: options.now() }
  }

  get streamCount(): number {
    return this.#count
  }

  /** Undefined while nobody streams, and the log is not read. */
  get tailState(): Readonly<TailState> | undefined {
    return this.#tailState
  }

  /** The log may have grown. */
  hint(): void {
    this.#hints++
    this.#wake?.()
  }

  /**
   * Opens a stream: what was missed since the cursor, then what happens from now on, nothing twice and nothing
   * left out.
   *
   * @throws {SottoError} INVALID_CURSOR, RATE_LIMITED (too many of this user's), UNAVAILABLE (too many in all)
   */
  async subscribe({
    userId,
    conversationId,
    watched,
    cursor,
    onEnd,
  }: SubscribeOptions): Promise<Subscription> {
    const from = cursor === undefined ? undefined : decodeEventCursor(cursor, userId)
    this.#refuseTooMany(userId)
    this.#count++
    try {
      await this.#start()
      // Asked again, since others may have come meanwhile.
      this.#refuseTooMany(userId, 1)
    } catch (error) {
      this.#release()
      throw error
    }
    const subscription = new Subscription({
      userId,
      conversationId,
      watched: watched ?? new Set(),
      // Who resumes stands at their own cursor until they have had what they missed.
      cursor: cursor ?? this.#cursorAt(userId, this.#end),
      cursorNow: () => this.#cursorAt(userId, this.#end),
      replay: from && this.#replay(userId, conversationId, from),
      onTaken: (item) => {
        this.#options.metrics.eventTaken()
        if (item.message) this.#options.deliveryMarks.note(userId, [item.message])
      },
      onEnd: (ended) => {
        this.#detach(ended)
        onEnd?.(ended)
      },
    })
    this.#attach(subscription)
    return subscription
  }

  /** Hands a signal (typing, presence) to these users' streams; it is kept nowhere. */
  signal(userIds: Iterable<string>, item: StreamItem): void {
    for (const userId of userIds) {
      for (const stream of this.#streams.get(userId) ?? []) stream.push(item)
    }
  }

  /**
   * Hands a signal to the streams that watch this user. Who watches was allowed to when the stream opened; there may
   * have been a block since. One signal after the other, so that nobody is told to come before they went.
   */
  signalWatchers(watchedId: string, item: StreamItem): void {
    if (!this.#watchers.has(watchedId)) return
    this.#watching = this.#watching
      .then(() => this.#tellWatchers(watchedId, item))
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'a presence was not told'))
  }

  async #tellWatchers(watchedId: string, item: StreamItem): Promise<void> {
    const streams = [...(this.#watchers.get(watchedId) ?? [])]
    const userIds = streams.map((stream) => stream.userId)
    const blocks = await findBlocksBetween(this.#options.db, watchedId, userIds)
    for (const stream of streams) {
      if (!blocks.has(stream.userId)) stream.push(item)
    }
  }

  onlineUsers(): Iterable<string> {
    return this.#streams.keys()
  }

  isOnline(userId: string): boolean {
    return this.#streams.has(userId)
  }

  async close(): Promise<void> {
    this.#stopped = true
    for (const stream of [...this.#streams.values()].flatMap((streams) => [...streams]))
      stream.end('stopping')
    this.#wake?.()
    await Promise.all([this.#tailing, this.#watching])
  }

  #refuseTooMany(userId: string, own = 0): void {
    if (this.#stopped) throw new SottoError('UNAVAILABLE', { detail: 'the server is stopping' })
    if (this.#count - own >= this.#options.maxStreams) {
      throw new SottoError('UNAVAILABLE', { detail: 'the server has as many streams as it takes' })
    }
    if ((this.#streams.get(userId)?.size ?? 0) >= MAX_STREAMS_OF_A_USER) {
      throw new SottoError('RATE_LIMITED', {
        detail: `a user takes at most ${MAX_STREAMS_OF_A_USER} streams`,
      })
    }
  }

  #attach(stream: Subscription): void {
    for (const watchedId of stream.watched) addTo(this.#watchers, watchedId, stream)
    if (addTo(this.#streams, stream.userId, stream)) this.#options.onPresence(stream.userId, true)
  }

  #detach(stream: Subscription): void {
    this.#release()
    for (const watchedId of stream.watched) removeFrom(this.#watchers, watchedId, stream)
    if (removeFrom(this.#streams, stream.userId, stream)) this.#options.onPresence(stream.userId, false)
  }

  #release(): void {
    this.#count--
    if (this.#count === 0) this.#wake?.()
  }

  /** Makes sure that the log is being read, and that it is known from where. */
  async #start(): Promise<void> {
    if (this.#tailing !== undefined) return
    this.#starting ??= this.#findEnd().finally(() => {
      this.#starting = undefined
    })
    await this.#starting
    this.#run()
  }

  async #findEnd(): Promise<void> {
    const { db, now } = this.#options
    this.#epoch = await findLogEpoch(db)
    const end = await findLogEnd(db)
    // Two who start at once: the tail may have begun, and gone further, meanwhile.
    if (this.#tailing !== undefined) return
    this.#audience.forgetAll()
    this.#end = { position: end.position, at: end.at ?? now() }
  }

  #run(): void {
    this.#tailing ??= this.#tail().finally(() => {
      this.#tailing = undefined
      this.#tailState = undefined
      // Somebody came in the moment in which it ended.
      if (this.#count > 0 && !this.#stopped) this.#run()
    })
  }

  async #tail(): Promise<void> {
    const { db, log, metrics, tracing } = this.#options
    let pause = UNSETTLED_MS
    /** How many hints had come when the log was last read to its end; undefined while more is known of. */
    let hintsAtEnd: number | undefined
    while (!this.#stopped && this.#count > 0) {
      const hints = this.#hints
      try {
        const rows = await readLog(db, this.#end.position, BATCH)
        const readAt = performance.now()
        if (rows.length > 0) {
          if (hintsAtEnd === hints && hints === this.#hints) metrics.hintMissed()
          hintsAtEnd = undefined
          this.#tailState = { readAt, isHeldBack: false, blocker: undefined }
          await tracing.deliver(rows, () => this.#dispatch(rows))
          pause = UNSETTLED_MS
          continue
        }
        const isHeldBack = await hasUnsettledEvents(db)
        hintsAtEnd = isHeldBack ? undefined : hints
        const blocker = isHeldBack && pause >= POLL_MS ? await this.#findBlocker() : undefined
        this.#tailState = { readAt, isHeldBack, blocker }
        await this.#rest(isHeldBack ? pause : POLL_MS, hints)
        pause = isHeldBack ? Math.min(pause * 2, POLL_MS) : UNSETTLED_MS
      } catch (error) {
        // The database is away. Nothing is lost: the place in the log stays.
        log.warn({ err: error }, 'the event log cannot be read')
        await this.#rest(POLL_MS, this.#hints)
      }
    }
  }

  /** Until a hint comes, the time is over, or nobody is left. */
  async #rest(ms: number, seenHints: number): Promise<void> {
    if (this.#hints !== seenHints || this.#stopped || this.#count === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }

  /** Names it in the server's log too, now and then. */
  async #findBlocker(): Promise<Blocker | undefined> {
    const blocker = await findLogBlocker(this.#options.db, BLOCKER_MS)
    if (!blocker) return undefined
    const now = performance.now()
    if (now - this.#blockerReportedAt >= BLOCKER_REPORT_MS) {
      this.#blockerReportedAt = now
      this.#options.log.warn(blocker, 'an open transaction holds back the event log')
    }
    return { pid: blocker.pid, application: blocker.application, since: now - blocker.ageMs }
  }

  /**
   * Hands on a batch. What is pushed in one turn of the event loop is fetched before, and the place moves with it:
   * whoever comes in between begins at the old place, and gets it too.
   */
  async #dispatch(rows: readonly EventRow[]): Promise<void> {
    await this.#audience.learn(rows)
    const items = new Map<string, Map<EventRow, StreamItem>>()
    let rest = rows
    while (rest.length > 0) {
      for (;;) {
        const userIds = this.#concernedBy(rest).filter((userId) => !items.has(userId))
        if (userIds.length === 0) break
        // While this is fetched others may come.
        await this.#fetchItems(rest, new Set(userIds), items)
      }
      rest = rest.slice(this.#push(rest, items))
      // Readers who keep up take theirs now: a burst must not look as if they did not.
      if (rest.length > 0) await setImmediate()
    }
  }

  /** Those among the rows' audience who have a stream. */
  #concernedBy(rows: readonly EventRow[]): string[] {
    const userIds = new Set(rows.flatMap((row) => this.#audience.of(row)))
    return [...userIds].filter((userId) => this.#streams.has(userId))
  }

  async #fetchItems(
    rows: readonly EventRow[],
    userIds: ReadonlySet<string>,
    items: Map<string, Map<EventRow, StreamItem>>,
  ): Promise<void> {
    const audiences = rows.flatMap((row) => {
      const audience = this.#audience.of(row).filter((userId) => userIds.has(userId))
      return audience.length > 0 ? [{ row, audience }] : []
    })
    const messages = await findShownMessages(
      this.#options.db,
      audiences.map(({ row }) => row),
    )
    const fetched = new Map([...userIds].map((userId) => [userId, new Map<EventRow, StreamItem>()]))
    for (const { row, audience } of audiences) {
      for (const userId of audience) {
        const item = await this.#itemFor(row, messages, userId)
        if (item) fetched.get(userId)?.set(row, item)
      }
    }
    for (const [userId, own] of fetched) items.set(userId, own)
  }

  /** Pushes as many rows as nobody gets too much of at once, and moves the place behind them. @returns how many. */
  #push(rows: readonly EventRow[], items: ReadonlyMap<string, ReadonlyMap<EventRow, StreamItem>>): number {
    const { now, metrics } = this.#options
    const bytes = new Map<string, number>()
    let count = 0
    for (const row of rows) {
      let isFull = false
      for (const userId of this.#audience.of(row)) {
        const item = items.get(userId)?.get(row)
        if (!item) continue
        this.signal([userId], item)
        const total = (bytes.get(userId) ?? 0) + item.json.length
        bytes.set(userId, total)
        isFull ||= total >= MAX_TAKEN_BYTES
      }
      this.#end = { position: { xid: row.xid, id: row.id }, at: row.created_at }
      metrics.eventHandedOn((now().getTime() - row.created_at.getTime()) / 1_000)
      count++
      if (isFull) break
    }
    return count
  }

  async #itemFor(row: EventRow, messages: ShownMessages, userId: string): Promise<StreamItem | undefined> {
    const { db, showConversation } = this.#options
    const view = await viewOf({ db, showConversation, messages }, row, userId)
    if (!view) return undefined
    const cursor = this.#cursorAt(userId, { position: { xid: row.xid, id: row.id }, at: row.created_at })
    return { ...view, cursor, json: JSON.stringify(view.event) }
  }

  /** Hands over what a user missed since a cursor, until there is no more than what will be pushed. */
  #replay(userId: string, conversationId: string | undefined, from: EventCursor): Replay {
    const { db } = this.#options
    let isChecked = false
    let isWaiting = false
    let page: EventRow[] = []
    /** Everything up to here is handed over, or in the page. */
    let place = from.position
    let partSize = FIRST_PART

    return async (reader) => {
      if (!isChecked) {
        if (!(await this.#canContinue(userId, conversationId, from))) {
          // From here to the end of the turn the tail stands still.
          reader.goLive()
          return [this.#resync(userId)]
        }
        isChecked = true
      }
      while (!reader.hasEnded) {
        if (page.length === 0) {
          const upTo = this.#end.position
          const distance = comparePositions(place, upTo)
          if (distance === 0) {
            reader.goLive()
            return []
          }
          if (distance > 0) {
            if (!isWaiting) this.hint()
            isWaiting = true
            await sleep(AHEAD_MS)
            continue
          }
          page = await readMissedEvents(db, {
            userId,
            conversationId,
            after: place,
            upTo,
            limit: REPLAY_PAGE,
          })
          const last = page.length < REPLAY_PAGE ? undefined : page.at(-1)
          place = last ? { xid: last.xid, id: last.id } : upTo
        }
        const part = page.slice(0, partSize)
        const messages = await findShownMessages(db, part)
        const items: StreamItem[] = []
        let bytes = 0
        for (const row of part) {
          const item = await this.#itemFor(row, messages, userId)
          if (!item) continue
          items.push(item)
          bytes += item.json.length
        }
        page = page.slice(part.length)
        // As many as are about as large as what is taken at once.
        if (bytes > 0) {
          partSize = Math.min(REPLAY_PART, Math.max(1, Math.floor((part.length * MAX_TAKEN_BYTES) / bytes)))
        }
        if (items.length > 0) return items
      }
      return []
    }
  }

  /** Whether the log has everything since a cursor: it is the same one, the place is still in it, and not too far. */
  async #canContinue(
    userId: string,
    conversationId: string | undefined,
    from: EventCursor,
  ): Promise<boolean> {
    const { db, now, retentionMs } = this.#options
    const end = this.#end
    if (from.epoch !== this.#epoch) return false
    // In a quiet log the last place may be as old as it likes.
    if (comparePositions(from.position, end.position) === 0 && from.at.getTime() === end.at.getTime()) {
      return true
    }
    if (now().getTime() - from.at.getTime() > retentionMs) return false
    if (from.position.id > 0) {
      const at = await findEventTime(db, from.position)
      if (at?.getTime() !== from.at.getTime()) return false
    }
    const missed = await countMissedEvents(db, {
      userId,
      conversationId,
      after: from.position,
      upTo: end.position,
      limit: MAX_MISSED + 1,
    })
    return missed <= MAX_MISSED
  }

  #resync(userId: string): StreamItem {
    const cursor = this.#cursorAt(userId, this.#end)
    const event = {
      id: `resync-${cursor}`,
      type: 'resync' as const,
      conversationId: null,
      at: this.#options.now(),
    }
    return { event, cursor, json: JSON.stringify(event) }
  }

  #cursorAt(userId: string, { position, at }: Place): string {
    return encodeEventCursor({ epoch: this.#epoch, userId, position, at })
  }
}

/** @returns whether it is the first of its key. */
function addTo<Value>(map: Map<string, Set<Value>>, key: string, value: Value): boolean {
  const values = map.get(key)
  if (values) {
    values.add(value)
    return false
  }
  map.set(key, new Set([value]))
  return true
}

/** @returns whether it was the last of its key. */
function removeFrom<Value>(map: Map<string, Set<Value>>, key: string, value: Value): boolean {
  const values = map.get(key)
  if (!values?.delete(value) || values.size > 0) return false
  map.delete(key)
  return true
}
