import { SottoError } from '@sotto/contract'
import {
  comparePositions,
  type EventRow,
  type Executor,
  findConversations,
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
import { decodeEventCursor, type EventCursor, encodeEventCursor } from './event-cursor.ts'
import { findShownMessages, type ShowConversation, type ShownMessages, viewOf } from './event-view.ts'
import { type StreamItem, Subscription } from './subscription.ts'

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
const REPLAY_PART = 200
const MAX_STREAMS_OF_A_USER = 20
/** How many conversations' members are remembered. Those of direct conversations never change. */
const MAX_REMEMBERED = 50_000

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
  readonly #members = new Map<string, readonly string[]>()
  /** Streams, and those about to be: the tail goes on for both. */
  #count = 0
  #end: { position: LogPosition; at: Date }
  #epoch = ''
  #starting: Promise<void> | undefined
  #tailing: Promise<void> | undefined
  #hints = 0
  #wake: (() => void) | undefined
  #stopped = false
  #blockerReportedAt = Number.NEGATIVE_INFINITY

  constructor(options: Options) {
    this.#options = options
    this.#end = { position: { xid: '0', id: 0 }, at: options.now() }
  }

  get streamCount(): number {
    return this.#count
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
    // From here to the end of the turn the tail stands still: up to its place is the replay's part, behind it
    // everything is pushed.
    const end = this.#end
    const subscription = new Subscription({
      userId,
      conversationId,
      watched: watched ?? new Set(),
      cursor: this.#cursorAt(userId, end),
      replay: from && this.#replay(userId, conversationId, from, end),
      onTaken: (item) => {
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

  /** Hands a signal to the streams that watch this user. */
  signalWatchers(watchedId: string, item: StreamItem): void {
    for (const stream of this.#watchers.get(watchedId) ?? []) stream.push(item)
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
    await this.#tailing
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
    if (this.#tailing) return
    this.#starting ??= this.#findEnd().finally(() => {
      this.#starting = undefined
    })
    await this.#starting
    this.#run()
  }

  async #findEnd(): Promise<void> {
    const { db, now } = this.#options
    this.#epoch ||= await findLogEpoch(db)
    const end = await findLogEnd(db)
    // Two who start at once: the tail may have begun, and gone further, meanwhile.
    if (!this.#tailing) this.#end = { position: end.position, at: end.at ?? now() }
  }

  #run(): void {
    this.#tailing ??= this.#tail().finally(() => {
      this.#tailing = undefined
      // Somebody came in the moment in which it ended.
      if (this.#count > 0 && !this.#stopped) this.#run()
    })
  }

  async #tail(): Promise<void> {
    const { db, log } = this.#options
    let pause = UNSETTLED_MS
    while (!this.#stopped && this.#count > 0) {
      const hints = this.#hints
      try {
        const rows = await readLog(db, this.#end.position, BATCH)
        if (rows.length > 0) {
          await this.#dispatch(rows)
          pause = UNSETTLED_MS
          continue
        }
        const isHeldBack = await hasUnsettledEvents(db)
        if (isHeldBack && pause >= POLL_MS) await this.#reportBlocker()
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

  async #reportBlocker(): Promise<void> {
    if (performance.now() - this.#blockerReportedAt < BLOCKER_REPORT_MS) return
    const blocker = await findLogBlocker(this.#options.db, BLOCKER_MS)
    if (!blocker) return
    this.#blockerReportedAt = performance.now()
    this.#options.log.warn(blocker, 'an open transaction holds back the event log')
  }

  /** Hands on a batch. All of it is fetched first: the pushes and the move of the place are one turn. */
  async #dispatch(rows: readonly EventRow[]): Promise<void> {
    await this.#rememberMembers(rows)
    const concerned = rows.flatMap((row) => {
      const userIds = this.#audienceOf(row).filter((userId) => this.#streams.has(userId))
      return userIds.length > 0 ? [{ row, userIds }] : []
    })
    const messages = await findShownMessages(
      this.#options.db,
      concerned.map(({ row }) => row),
    )
    const deliveries: { userId: string; item: StreamItem }[] = []
    for (const { row, userIds } of concerned) {
      for (const userId of userIds) {
        const item = await this.#itemFor(row, messages, userId)
        if (item) deliveries.push({ userId, item })
      }
    }
    for (const { userId, item } of deliveries) this.signal([userId], item)
    const last = rows.at(-1)
    if (last) this.#end = { position: { xid: last.xid, id: last.id }, at: last.created_at }
  }

  async #itemFor(row: EventRow, messages: ShownMessages, userId: string): Promise<StreamItem | undefined> {
    const { db, showConversation } = this.#options
    const view = await viewOf({ db, showConversation, messages }, row, userId)
    if (!view) return undefined
    const cursor = this.#cursorAt(userId, { position: { xid: row.xid, id: row.id }, at: row.created_at })
    return { ...view, cursor, json: JSON.stringify(view.event) }
  }

  #audienceOf(row: EventRow): readonly string[] {
    if (row.audience_user_id !== null) return [row.audience_user_id]
    return this.#members.get(row.conversation_id ?? '') ?? []
  }

  async #rememberMembers(rows: readonly EventRow[]): Promise<void> {
    const ids = new Set(rows.flatMap((row) => row.conversation_id ?? []))
    if (this.#members.size + ids.size > MAX_REMEMBERED) this.#members.clear()
    const unknown = [...ids].filter((id) => !this.#members.has(id))
    for (const { id, direct_key: key } of await findConversations(this.#options.db, unknown)) {
      this.#members.set(id, [...new Set(key?.split(':') ?? [])])
    }
  }

  /** Hands over what a user missed between a cursor and the place where the live part begins. */
  #replay(
    userId: string,
    conversationId: string | undefined,
    from: EventCursor,
    end: { position: LogPosition; at: Date },
  ): () => Promise<StreamItem[]> {
    let missed: EventRow[] | undefined
    return async () => {
      if (!missed) {
        const found = await this.#missedSince(userId, from, end.position)
        missed =
          found?.filter((row) => conversationId === undefined || row.conversation_id === conversationId) ?? []
        if (!found) return [this.#resync(userId, end)]
      }
      while (missed.length > 0) {
        const part = missed.splice(0, REPLAY_PART)
        const messages = await findShownMessages(this.#options.db, part)
        const items: StreamItem[] = []
        for (const row of part) {
          const item = await this.#itemFor(row, messages, userId)
          if (item) items.push(item)
        }
        if (items.length > 0) return items
      }
      return []
    }
  }

  /** @returns undefined when the log cannot tell: it is another one, or the place is no longer in it. */
  async #missedSince(userId: string, from: EventCursor, upTo: LogPosition): Promise<EventRow[] | undefined> {
    const { db, now, retentionMs } = this.#options
    if (from.epoch !== this.#epoch || now().getTime() - from.at.getTime() > retentionMs) return undefined
    if (from.position.id > 0) {
      const at = await findEventTime(db, from.position)
      if (at?.getTime() !== from.at.getTime()) return undefined
    }
    if (comparePositions(from.position, upTo) >= 0) return []
    return readMissedEvents(db, userId, from.position, upTo, MAX_MISSED)
  }

  #resync(userId: string, end: { position: LogPosition; at: Date }): StreamItem {
    const cursor = this.#cursorAt(userId, end)
    const event = {
      id: `resync-${cursor}`,
      type: 'resync' as const,
      conversationId: null,
      at: this.#options.now(),
    }
    return { event, cursor, json: JSON.stringify(event) }
  }

  #cursorAt(userId: string, { position, at }: { position: LogPosition; at: Date }): string {
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
