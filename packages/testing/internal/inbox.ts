import type { Event } from '@sotto/contract'

/** An event as JSON: times are strings. */
export type WireEvent = { [Type in Event['type']]: Extract<Event, { type: Type }> }[Event['type']]

export interface ReceivedEvent {
  /** The cursor sent with the event. Undefined for a signal over SSE. */
  cursor: string | undefined
  event: WireEvent
}

/** The events that a stream has received so far. */
export class Inbox {
  readonly received: ReceivedEvent[] = []
  #waiting: (() => void)[] = []
  #ended = false

  get events(): WireEvent[] {
    return this.received.map(({ event }) => event)
  }

  get types(): string[] {
    return this.received.map(({ event }) => event.type)
  }

  /** The texts of created messages, in order of arrival. */
  get texts(): (string | null)[] {
    return this.events.flatMap((event) => (event.type === 'message.created' ? [event.message.text] : []))
  }

  add(received: ReceivedEvent): void {
    this.received.push(received)
    this.#notify()
  }

  end(): void {
    this.#ended = true
    this.#notify()
  }

  /** Waits until the condition holds. */
  async until(isTrue: () => boolean, ms = 5_000): Promise<void> {
    const deadline = performance.now() + ms
    while (!isTrue()) {
      const left = deadline - performance.now()
      if (left <= 0 || this.#ended) {
        const reason = this.#ended ? 'the stream ended' : `the condition was not met within ${ms} ms`
        throw new Error(`${reason}; received: ${this.types.join(', ') || 'nothing'}`)
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

  #notify(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
