import { jitter, sleepUntilOnline } from '../waiting.ts'

const BACKOFF = { firstMs: 500, longestMs: 30_000 }

/** The pauses between the attempts of what is repeated until it succeeds. */
export class Pauses {
  readonly #wakes = new Set<() => void>()

  /** Waits a random time that grows with the attempt, from 1 on; less when the network is back, or at `wake`. */
  async wait(attempt: number): Promise<void> {
    const waking = new AbortController()
    const wake = () => waking.abort()
    this.#wakes.add(wake)
    await sleepUntilOnline(jitter(attempt, BACKOFF), waking.signal)
    this.#wakes.delete(wake)
  }

  /** Ends the pauses of now. */
  wake(): void {
    for (const wake of [...this.#wakes]) wake()
  }
}
