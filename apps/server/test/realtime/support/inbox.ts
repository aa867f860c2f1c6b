import type { Event } from '@sotto/contract'

/** An event as it came over the wire: times are texts. */
export type WireEvent = { [Type in Event['type']]: Extract<Event, { type: Type }> }[Event['type']]

export interface Received {
  /** The cursor that came with it; undefined for a signal over SSE. */
  cursor: string | undefined
  event: WireEvent
}

/** What a stream has brought so far, and those who wait for more. */
export class Inbox {
  readonly received: Received[] = []
  #waiting: (() => void)[] = []
  #ended = false

  get events(): WireEvent[] {
    return this.received.map(({ event }) => event)
  }

  get types(): string[] {
    return this.received.map(({ event }) => event.type)
  }

  /** The texts of created messages, in the order in which they came. */
  get texts(): (string | null)[] {
    return this.events.flatMap((event) => (event.type === 'message.created' ? [event.message.text] : []))
  }

  add(received: Received): void {
    this.received.push(received)
    this.#tell()
  }

  end(): void {
    this.#ended = true
    this.#tell()
  }

  /** Waits until the condition holds. */
  async until(isTrue: () => boolean, ms = 5_000): Promise<void> {
    const deadline = performance.now() + ms
    while (!isTrue()) {
      const left = deadline - performance.now()
      if (left <= 0 || this.#ended) {
        const how = this.#ended ? 'the stream ended' : `not within ${ms} ms`
        throw new Error(`${how}; came: ${this.types.join(', ') || 'nothing'}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async untilText(text: string, ms?: number): Promise<void> {
    await this.until(() => this.texts.includes(text), ms)
  }

  #tell(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
