import type { Event } from '@sotto/contract'
import type { MessageRow } from '@sotto/db'
import type { EndReason } from '../metrics/metrics.ts'

/** One event on its way to one user. */
export interface StreamItem {
  event: Event
  /** To go on after it. Signals (typing, presence) have none: they are not kept. */
  cursor: string | undefined
  /** The event as JSON, made once for all streams of a user. */
  json: string
  /** What counts as delivered when the item is taken. */
  message?: MessageRow
}

/** How much may wait for a reader who does not take it, in bytes of JSON. */
const MAX_QUEUED_BYTES = 262_144
/** How much is handed over at once, so that what a reader has taken but not passed on is bounded too. */
export const MAX_TAKEN_BYTES = 65_536

interface Options {
  userId: string
  conversationId: string | undefined
  watched: ReadonlySet<string>
  /** Where the reader stands as long as it has taken nothing. */
  cursor: string
  /** Where whoever has taken everything stands. */
  cursorNow: () => string
  /**
   * Hands over what was missed, part by part. It calls `goLive` in the turn of the event loop in which nothing is
   * missing any more, and answers an empty part then.
   */
  replay: Replay | undefined
  onTaken: (item: StreamItem) => void
  onEnd: (subscription: Subscription) => void
}

/** The reader of a replay: where it goes on by itself, or is gone. */
interface ReplayReader {
  goLive(): void
  readonly hasEnded: boolean
}
export type Replay = (reader: ReplayReader) => Promise<StreamItem[]>

/**
 * A reader's end of the events: a bounded queue. A reader who falls too far behind is cut off, and resumes from
 * the last cursor that it has; nothing is lost, the log has it.
 */
export class Subscription implements ReplayReader {
  readonly userId: string
  readonly conversationId: string | undefined
  /** Whom this reader wants to see come and go. */
  readonly watched: ReadonlySet<string>
  /** Called once, when the stream has ended, for a reader who may be stuck in handing things on. */
  onEnded: (() => void) | undefined
  readonly #options: Options
  #cursor: string
  #replay: Replay | undefined
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
   * Where to resume after what was taken. It moves on while there is nothing to take, so that a reader of quiet
   * conversations does not come back with a cursor that is older than the log.
   */
  get cursor(): string {
    if (!this.#ended && !this.#replay && this.#queue.length === 0) this.#cursor = this.#options.cursorNow()
    return this.#cursor
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  /** Set when the stream was ended by the server. */
  get endReason(): EndReason | undefined {
    return this.#endReason
  }

  /** What happened now. Signals wait behind what was missed before; the rest is still to be read from the log then. */
  push(item: StreamItem): void {
    if (this.#ended || !this.#wants(item)) return
    if (this.#replay && item.cursor !== undefined) return
    const bytes = Buffer.byteLength(item.json)
    // One item alone is never too much, or a large one would cut off everybody.
    if (this.#queue.length > 0 && this.#queuedBytes + bytes > MAX_QUEUED_BYTES) {
      this.end('slow')
      return
    }
    this.#queuedBytes += bytes
    this.#queue.push(item)
    this.#wake?.()
  }

  goLive(): void {
    this.#replay = undefined
  }

  /** Ends the stream for its reader, who is told the reason. Without one it is the reader's own wish. */
  end(reason?: EndReason): void {
    if (this.#ended) return
    this.#ended = true
    this.#endReason = reason
    // What was not taken comes again when the reader resumes.
    this.#queue = []
    this.#replay = undefined
    this.#options.onEnd(this)
    this.#wake?.()
    this.onEnded?.()
  }

  /** Everything that is there, waiting for the first. Undefined at the end, or when the signal says so. */
  async take(signal?: AbortSignal): Promise<StreamItem[] | undefined> {
    while (!this.#ended && !signal?.aborted) {
      const items = this.#replay ? this.#taken(await this.#replay(this)) : this.#takeQueued()
      if (items.length > 0) return items
      if (!this.#replay && this.#queue.length === 0) await this.#untilWoken(signal)
    }
    return undefined
  }

  /** Whoever reads one conversation alone gets signals of none, since presence was asked for, and nothing else. */
  #wants({ event, cursor }: StreamItem): boolean {
    if (this.conversationId === undefined || event.conversationId === this.conversationId) return true
    return event.conversationId === null && cursor === undefined
  }

  #takeQueued(): StreamItem[] {
    let count = 0
    let bytes = 0
    for (; count < this.#queue.length && bytes < MAX_TAKEN_BYTES; count++) {
      bytes += Buffer.byteLength(this.#queue[count]?.json ?? '')
    }
    const items = this.#queue.splice(0, count)
    this.#queuedBytes -= bytes
    return this.#taken(items)
  }

  /** Whoever was cut off, or has left, while something was read for them has not taken it. */
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
    // The signal may outlive many of these.
    signal?.removeEventListener('abort', wake)
    this.#wake = undefined
  }
}
