import type { Event } from '@sotto/contract'
import { withResolvers } from '../runtime-gaps.ts'
import type { Entry } from './messages.ts'

/** What a reader has to do next. */
export type Item =
  | { type: 'entry'; entry: Entry }
  | { type: 'status'; status: 'connected' | 'reconnecting'; reason: unknown }
  /** Entries were missed. What follows them is waiting. */
  | { type: 'gap' }
  /** The stream is not shared any longer. */
  | { type: 'end' }

/** The maximum number of items waiting for a slow reader. Beyond this, it reads a stream of its own until it catches up. */
const MAX_WAITING = 1_000

interface CatchUp {
  /** Whether the reader has received the event in another way. */
  hasReceived: (event: Event) => boolean
  /** What waits for the reader continues where it is, apart from events that it has received. */
  onDone: () => void
}

interface Options {
  /** The position to start after. Undefined to start as soon as the stream is connected. */
  cursor: string | undefined
  /** The ids of the users whose presence to report. */
  watched: readonly string[]
}

/** A reader of a shared stream, and what waits for it. */
export class Reader {
  readonly cursor: string | undefined
  watched: readonly string[]
  #items: Item[] = []
  #hasGap = false
  #hasEnded = false
  #hasStarted = false
  #catchUp: CatchUp | undefined
  #wake: (() => void) | undefined

  constructor({ cursor, watched }: Options) {
    this.cursor = cursor
    this.watched = watched
  }

  get hasStarted(): boolean {
    return this.#hasStarted
  }

  /** From now on, it receives each entry. */
  start(): void {
    this.#hasStarted = true
  }

  putEntry(entry: Entry): void {
    const { event } = entry
    if (event?.type === 'presence.changed' && !this.watched.includes(event.userId)) return
    const last = this.#items.at(-1)
    // Only the last of several positions matters.
    if (!event && last?.type === 'entry' && !last.entry.event) this.#items.pop()
    this.put({ type: 'entry', entry })
  }

  put(item: Item): void {
    if (this.#hasEnded) return
    if (item.type === 'entry' && item.entry.event && this.#catchUp?.hasReceived(item.entry.event)) {
      this.#items = []
      this.#finishCatchUp()
      return
    }
    this.#items.push(item)
    if (this.#items.length > MAX_WAITING) {
      this.#items.shift()
      this.#hasGap = true
    }
    this.#wake?.()
  }

  /** Entries were missed. */
  interrupt(): void {
    this.#items = []
    this.#hasGap = true
    this.#wake?.()
  }

  end(): void {
    this.#hasEnded = true
    this.#items = []
    this.#hasGap = false
    this.#wake?.()
  }

  /** While there is a gap, waits for an event that the reader has received in another way. */
  catchUp(catchUp: CatchUp): void {
    this.#catchUp = catchUp
  }

  /** The reader has received this event while catching up. */
  received({ id }: Event): void {
    const index = this.#items.findIndex((item) => item.type === 'entry' && item.entry.event?.id === id)
    if (index === -1) return
    this.#items.splice(0, index + 1)
    this.#finishCatchUp()
  }

  /** @returns undefined once the signal is aborted. */
  async take(signal: AbortSignal): Promise<Item | undefined> {
    for (;;) {
      if (signal.aborted) return undefined
      if (this.#hasEnded) return { type: 'end' }
      if (this.#hasGap) return { type: 'gap' }
      const item = this.#items.shift()
      if (item) return item
      await this.#untilWoken(signal)
    }
  }

  #finishCatchUp(): void {
    this.#hasGap = false
    const { onDone } = this.#catchUp ?? {}
    this.#catchUp = undefined
    onDone?.()
  }

  async #untilWoken(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = withResolvers<void>()
    const wake = () => resolve()
    this.#wake = wake
    signal.addEventListener('abort', wake)
    await promise
    signal.removeEventListener('abort', wake)
  }
}
