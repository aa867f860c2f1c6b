import type { Event } from '@sotto/contract'
import type { MessageRow } from '@sotto/db'
import type { EndReason } from '../metrics/metrics.ts'
import type { WriteTurns } from './write-turns.ts'

/** An event as JSON, shared by all users who see it in the same way. */
export interface EventContent {
  event: Event
  /** The event as JSON, and its size in bytes. */
  json: string
  bytes: number
  /** The message that counts as delivered when the event has been written. */
  message: MessageRow | undefined
}

/** An event for one user, shared by all of their streams. */
export interface StreamItem extends EventContent {
  /** Resumes after this event. Undefined for signals, because they are not stored. */
  cursor: string | undefined
}

export function createContent(event: Event, message?: MessageRow): EventContent {
  const json = JSON.stringify(event)
  return { event, json, bytes: Buffer.byteLength(json), message }
}

export function createItem(content: EventContent, cursor: string | undefined): StreamItem {
  return { ...content, cursor }
}

/** The limit of a reader's queue, in bytes of JSON. */
const MAX_QUEUED_BYTES = 262_144
/** How much a reader takes at once, in bytes of JSON. Also bounds what it has taken but not yet sent. */
export const MAX_TAKEN_BYTES = 65_536

/** What all streams of a server share, so that an idle stream takes little memory. */
export interface StreamHost {
  turns: WriteTurns
  /** The cursor for a user who has received everything up to now. */
  cursorNow(userId: string): string
  onWritten(userId: string, item: StreamItem): void
  onEnd(stream: Subscription): void
}

interface Options {
  userId: string
  conversationId: string | undefined
  /** The client's id of the stream. */
  streamId: string | undefined
  watched: ReadonlySet<string> | undefined
  /** The cursor as long as nothing has been taken. */
  cursor: string
  /** Undefined for a reader who starts now. */
  replay: MissedItems | undefined
  /** Called once, when the stream has ended. */
  onEnd: ((stream: Subscription) => void) | undefined
}

export interface MissedItems {
  /**
   * Returns the next missed items. When the reader has caught up, calls `goLive` without an await after the check, and
   * returns an empty list or a final resync. Also returns an empty list if the signal is aborted while nothing can be
   * read yet.
   */
  next(reader: ReplayReader, signal: AbortSignal | undefined): Promise<StreamItem[]>
}

export interface ReplayReader {
  /** From now on the reader receives what is pushed. */
  goLive(): void
  readonly hasEnded: boolean
}

/**
 * The reader's end of a stream, with a bounded queue. A reader who falls too far behind is disconnected and can resume
 * from their last cursor. No event is lost, because the log has them all.
 */
export class Subscription implements ReplayReader {
  readonly userId: string
  readonly conversationId: string | undefined
  readonly streamId: string | undefined
  /** The users whose presence this reader receives, in the order they were added. Changed by the StreamRegistry. */
  watched: Set<string> | undefined
  /** Called once, when the stream has ended: the reader may be blocked on a write and not waiting for items. */
  onEnded: (() => void) | undefined
  /** For readers that do not wait in `take`: called in a turn of `WriteTurns` when there are items or the stream ended. */
  onTurn: (() => void) | undefined
  readonly #host: StreamHost
  readonly #onEnd: Options['onEnd']
  #cursor: string
  #replay: MissedItems | undefined
  #queue: StreamItem[] = []
  #queuedBytes = 0
  #wake: (() => void) | undefined
  #isWaitingForTurn = false
  /** Stops listening to the connection. */
  #leave: (() => void) | undefined
  #ended = false
  #endReason: EndReason | undefined

  constructor(host: StreamHost, options: Options) {
    this.#host = host
    this.#onEnd = options.onEnd
    this.userId = options.userId
    this.conversationId = options.conversationId
    this.streamId = options.streamId
    this.watched = options.watched && options.watched.size > 0 ? new Set(options.watched) : undefined
    this.#cursor = options.cursor
    this.#replay = options.replay
  }

  /**
   * Resumes after the last item taken. Advances with the log while nothing is queued, so that the cursor of an idle
   * reader does not expire.
   */
  get cursor(): string {
    if (!this.#ended && !this.#replay && this.#queue.length === 0)
      this.#cursor = this.#host.cursorNow(this.userId)
    return this.#cursor
  }

  /** Whether there are missed items that `takeMissed` returns. */
  get isReplaying(): boolean {
    return this.#replay !== undefined
  }

  /** Whether there are items that `takeQueued` returns. */
  get hasQueued(): boolean {
    return this.#queue.length > 0
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  /** Set if the server ended the stream. */
  get endReason(): EndReason | undefined {
    return this.#endReason
  }

  /** During a replay only signals are queued: the replay reads all other items from the log. */
  push(item: StreamItem): void {
    if (this.#ended || !this.#wants(item)) return
    if (this.#replay && item.cursor !== undefined) return
    // An empty queue accepts any item: otherwise one above the limit would disconnect every reader.
    if (this.#queue.length > 0 && this.#queuedBytes + item.bytes > MAX_QUEUED_BYTES) {
      this.end('slow')
      return
    }
    this.#queuedBytes += item.bytes
    this.#queue.push(item)
    this.#wake?.()
    this.requestTurn()
  }

  /** Calls `onTurn` when it is this stream's turn. */
  requestTurn(): void {
    if (!this.onTurn || this.#isWaitingForTurn) return
    this.#isWaitingForTurn = true
    this.#host.turns.add(this)
  }

  takeTurn(): void {
    this.#isWaitingForTurn = false
    this.onTurn?.()
  }

  goLive(): void {
    this.#replay = undefined
  }

  /**
   * Ends the stream with its connection, even while it is reading missed events. A connection can outlive thousands of
   * streams, so it does not keep those that have ended.
   */
  endWith(connection: AbortSignal | undefined): void {
    if (connection?.aborted) this.end()
    if (!connection || this.#ended) return
    const end = () => this.end()
    connection.addEventListener('abort', end)
    this.#leave = () => connection.removeEventListener('abort', end)
  }

  /** @param reason undefined if the reader ends the stream. */
  end(reason?: EndReason): void {
    if (this.#ended) return
    this.#ended = true
    this.#endReason = reason
    // The reader receives the remaining items when they resume.
    this.#queue = []
    this.#replay = undefined
    this.#leave?.()
    this.#host.onEnd(this)
    this.#onEnd?.(this)
    this.#wake?.()
    this.requestTurn()
    this.onEnded?.()
  }

  /** Waits for at least one item. @returns undefined once the stream has ended or the signal is aborted. */
  async take(signal?: AbortSignal): Promise<StreamItem[] | undefined> {
    while (!this.#ended && !signal?.aborted) {
      const items = this.#replay ? await this.takeMissed(signal) : this.takeQueued()
      if (items.length > 0) return items
      if (!this.#replay && this.#queue.length === 0) await this.#untilWoken(signal)
    }
    return undefined
  }

  /** Takes items of the replay. The result can be empty: when it has ended, and as described for `MissedItems`. */
  async takeMissed(signal?: AbortSignal): Promise<StreamItem[]> {
    return this.#replay ? this.#taken(await this.#replay.next(this, signal)) : []
  }

  /** Takes queued items, up to `MAX_TAKEN_BYTES`. */
  takeQueued(): StreamItem[] {
    let count = 0
    let bytes = 0
    for (const item of this.#queue) {
      if (bytes >= MAX_TAKEN_BYTES) break
      bytes += item.bytes
      count++
    }
    const items = this.#queue.splice(0, count)
    this.#queuedBytes -= bytes
    return this.#taken(items)
  }

  /** Must be called once these items have been written to the connection: their messages then count as delivered. */
  written(items: readonly StreamItem[]): void {
    for (const item of items) this.#host.onWritten(this.userId, item)
  }

  /** A stream of one conversation also receives presence signals, which have no conversation. */
  #wants({ event, cursor }: StreamItem): boolean {
    if (this.conversationId === undefined || event.conversationId === this.conversationId) return true
    return event.conversationId === null && cursor === undefined
  }

  /** If the stream has ended while missed items were being read, they do not count as taken. */
  #taken(items: StreamItem[]): StreamItem[] {
    if (this.#ended) return []
    for (const item of items) this.#cursor = item.cursor ?? this.#cursor
    return items
  }

  async #untilWoken(signal: AbortSignal | undefined): Promise<void> {
    if (this.#ended || signal?.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => resolve()
    this.#wake = wake
    signal?.addEventListener('abort', wake)
    await promise
    // The signal can be reused for many waits.
    signal?.removeEventListener('abort', wake)
    this.#wake = undefined
  }
}
