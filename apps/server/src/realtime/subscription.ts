import type { Event } from '@sotto/contract'
import type { MessageRow } from '@sotto/db'
import type { EndReason } from '../metrics/metrics.ts'

/** One event on its way to one user. Created once for all streams of the user. */
export interface StreamItem {
  event: Event
  /** Where to resume after it. Signals (typing, presence) have none, because they are not stored. */
  cursor: string | undefined
  /** The event as JSON, and the size of that. */
  json: string
  bytes: number
  /** The message that counts as delivered when the item is taken. */
  message: MessageRow | undefined
}

export function createItem(event: Event, cursor: string | undefined, message?: MessageRow): StreamItem {
  const json = JSON.stringify(event)
  return { event, cursor, json, bytes: Buffer.byteLength(json), message }
}

/** How much may be queued for a reader, in bytes of JSON. */
const MAX_QUEUED_BYTES = 262_144
/** How much a reader takes at once, which also bounds what it has taken but not yet passed on. */
export const MAX_TAKEN_BYTES = 65_536

interface Options {
  userId: string
  conversationId: string | undefined
  watched: ReadonlySet<string>
  /** Where to resume if nothing is taken. */
  cursor: string
  /** Where to resume if everything up to now was taken. */
  cursorNow: () => string
  /** Undefined for a reader who starts now. */
  replay: MissedItems | undefined
  onTaken: (item: StreamItem) => void
  onEnd: (subscription: Subscription) => void
}

export interface MissedItems {
  /**
   * Returns the next part of what the reader missed. Once nothing is missing, it calls `goLive` in the turn of the
   * event loop in which that is certain, and returns an empty part.
   */
  next(reader: ReplayReader): Promise<StreamItem[]>
}

export interface ReplayReader {
  /** From now on the reader receives what is pushed. */
  goLive(): void
  readonly hasEnded: boolean
}

/**
 * A reader's end of a stream: a bounded queue. A reader who falls too far behind is disconnected, and resumes from its
 * last cursor. No event is lost, because the log has them all.
 */
export class Subscription implements ReplayReader {
  readonly userId: string
  readonly conversationId: string | undefined
  /** The users whose presence this reader receives. */
  readonly watched: ReadonlySet<string>
  /** Called once, when the stream has ended, for a reader that may be blocked on a write. */
  onEnded: (() => void) | undefined
  readonly #options: Options
  #cursor: string
  #replay: MissedItems | undefined
  #queue: StreamItem[] = []
  #queuedBytes = 0
  #wake: (() => void) | undefined
  #ended = false
  #endReason: EndReason | undefined

  constructor(options: Options) {
    this.userId = options.userId
    this.conversationId = options.conversationId
    this.watched = options.watched
    this.#options = options
    this.#cursor = options.cursor
    this.#replay = options.replay
  }

  /**
   * Where to resume after what was taken. It moves on while nothing is queued, so that a reader of quiet
   * conversations does not come back with a cursor that is older than the log.
   */
  get cursor(): string {
    if (!this.#ended && !this.#replay && this.#queue.length === 0) this.#cursor = this.#options.cursorNow()
    return this.#cursor
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
    // One item alone is never too much, or a large one would disconnect every reader.
    if (this.#queue.length > 0 && this.#queuedBytes + item.bytes > MAX_QUEUED_BYTES) {
      this.end('slow')
      return
    }
    this.#queuedBytes += item.bytes
    this.#queue.push(item)
    this.#wake?.()
  }

  goLive(): void {
    this.#replay = undefined
  }

  /** @param reason undefined if the reader wants it to end. */
  end(reason?: EndReason): void {
    if (this.#ended) return
    this.#ended = true
    this.#endReason = reason
    // The reader receives what it has not taken when it resumes.
    this.#queue = []
    this.#replay = undefined
    this.#options.onEnd(this)
    this.#wake?.()
    this.onEnded?.()
  }

  /** Waits for at least one item. Undefined once the stream has ended or the signal is aborted. */
  async take(signal?: AbortSignal): Promise<StreamItem[] | undefined> {
    while (!this.#ended && !signal?.aborted) {
      const items = this.#replay ? this.#taken(await this.#replay.next(this)) : this.#takeQueued()
      if (items.length > 0) return items
      if (!this.#replay && this.#queue.length === 0) await this.#untilWoken(signal)
    }
    return undefined
  }

  /** A stream of one conversation also receives presence signals, which belong to none. */
  #wants({ event, cursor }: StreamItem): boolean {
    if (this.conversationId === undefined || event.conversationId === this.conversationId) return true
    return event.conversationId === null && cursor === undefined
  }

  #takeQueued(): StreamItem[] {
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

  /** A stream may end while missed items are read for it. They are not taken then. */
  #taken(items: StreamItem[]): StreamItem[] {
    if (this.#ended) return []
    for (const item of items) {
      this.#cursor = item.cursor ?? this.#cursor
      this.#options.onTaken(item)
    }
    return items
  }

  async #untilWoken(signal: AbortSignal | undefined): Promise<void> {
    if (this.#ended || signal?.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => resolve()
    this.#wake = wake
    signal?.addEventListener('abort', wake)
    await promise
    // The signal may outlive many waits.
    signal?.removeEventListener('abort', wake)
    this.#wake = undefined
  }
}
