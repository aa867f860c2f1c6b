import type { Event } from '@sotto/contract'
import type { MessageRow } from '@sotto/db'

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

/** Why a stream ended before its reader wanted it to. */
export type EndReason = 'slow' | 'unauthenticated' | 'stopping'

/** How much may wait for a reader who does not take it, in bytes of JSON. */
const MAX_QUEUED_BYTES = 262_144
/** How much is handed over at once, so that what a reader has taken but not passed on is bounded too. */
const MAX_TAKEN_BYTES = 65_536

interface Options {
  userId: string
  conversationId: string | undefined
  watched: ReadonlySet<string>
  cursor: string
  /** Hands over what was missed, part by part; an empty part is the last. */
  replay: (() => Promise<StreamItem[]>) | undefined
  onTaken: (item: StreamItem) => void
  onEnd: (subscription: Subscription) => void
}

/**
 * A reader's end of the events: a bounded queue. A reader who falls too far behind is cut off, and resumes from
 * the last cursor that it has; nothing is lost, the log has it.
 */
export class Subscription {
  readonly userId: string
  readonly conversationId: string | undefined
  /** Whom this reader wants to see come and go. */
  readonly watched: ReadonlySet<string>
  /** Called once, when the stream has ended, for a reader who may be stuck in handing things on. */
  onEnded: (() => void) | undefined
  readonly #options: Options
  #cursor: string
  #replay: Options['replay']
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

  /** The cursor of what was taken last, or of where the stream began. */
  get cursor(): string {
    return this.#cursor
  }

  /** Set when the stream was ended by the server. */
  get endReason(): EndReason | undefined {
    return this.#endReason
  }

  wants(item: StreamItem): boolean {
    const { conversationId } = item.event
    return (
      this.conversationId === undefined || conversationId === null || conversationId === this.conversationId
    )
  }

  /** What happened now. It waits behind what was missed before. */
  push(item: StreamItem): void {
    if (this.#ended || !this.wants(item)) return
    this.#queuedBytes += Buffer.byteLength(item.json)
    if (this.#queuedBytes > MAX_QUEUED_BYTES) {
      this.end('slow')
      return
    }
    this.#queue.push(item)
    this.#wake?.()
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
      const items = this.#replay ? await this.#takeMissed(this.#replay) : this.#takeQueued()
      if (items.length > 0) return items
      if (!this.#replay && this.#queue.length === 0) await this.#untilWoken(signal)
    }
    return undefined
  }

  async #takeMissed(replay: () => Promise<StreamItem[]>): Promise<StreamItem[]> {
    const missed = await replay()
    if (missed.length === 0) this.#replay = undefined
    return this.#taken(missed)
  }

  #takeQueued(): StreamItem[] {
    let count = 0
    for (let bytes = 0; count < this.#queue.length && bytes < MAX_TAKEN_BYTES; count++) {
      bytes += Buffer.byteLength(this.#queue[count]?.json ?? '')
    }
    const items = this.#queue.splice(0, count)
    for (const item of items) this.#queuedBytes -= Buffer.byteLength(item.json)
    return this.#taken(items)
  }

  #taken(items: StreamItem[]): StreamItem[] {
    for (const item of items) {
      this.#cursor = item.cursor ?? this.#cursor
      this.#options.onTaken(item)
    }
    return items
  }

  async #untilWoken(signal: AbortSignal | undefined): Promise<void> {
    if (this.#ended || signal?.aborted) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
    this.#wake = undefined
  }
}
