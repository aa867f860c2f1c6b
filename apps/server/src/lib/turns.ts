import { setImmediate } from 'node:timers/promises'

/**
 * Lets long work take turns, one step per iteration of the event loop. SQLite is synchronous, so work that reads page
 * after page would otherwise keep the server from doing anything else.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Resolves when the next step can run. */
  next(): Promise<void> {
    const turn = this.#last.then(() => setImmediate())
    this.#last = turn
    return turn
  }
}
