import { jitter, sleepUntilOnline } from '../waiting.ts'

const BACKOFF = { firstMs: 500, longestMs: 30_000 }

/** The pauses between attempts of an operation that is retried until it succeeds. */
export class Pauses {
  readonly #wakes = new Set<() => void>()

  /** Waits for a random time that grows with the attempt (from 1), or until the network is back or `wake` is called. */
  async wait(attempt: number): Promise<void> {
    const waking = new AbortController()
    const wake = () => waking.abort()
    this.#wakes.add(wake)
    await sleepUntilOnline(jitter(attempt, BACKOFF), waking.signal)
    this.#wakes.delete(wake)
  }

  /** Ends all current pauses. */
  wake(): void {
    for (const wake of [...this.#wakes]) wake()
  }
}
