import { setImmediate as nextImmediate } from 'node:timers/promises'

/** The number of streams written in one iteration of the event loop, which takes a few milliseconds. */
const STREAMS_PER_TURN = 100

interface Writer {
  takeTurn(): void
}

/**
 * Spreads the writing of streams over iterations of the event loop, so that an event for thousands of streams does not
 * block everything else.
 */
export class WriteTurns {
  #waiting: Writer[] = []
  /** The number of turns requested and begun so far. */
  #requested = 0
  #begun = 0

  add(writer: Writer): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#run())
    this.#waiting.push(writer)
    this.#requested++
  }

  /** Resolves when all streams that are waiting now had their turn. */
  async finished(): Promise<void> {
    const requested = this.#requested
    while (this.#begun < requested) await nextImmediate()
  }

  #run(): void {
    const due = this.#waiting.slice(0, STREAMS_PER_TURN)
    this.#waiting = this.#waiting.slice(due.length)
    if (this.#waiting.length > 0) setImmediate(() => this.#run())
    this.#begun += due.length
    for (const writer of due) writer.takeTurn()
  }
}
