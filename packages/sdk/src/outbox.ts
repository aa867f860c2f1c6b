import { abortable } from './waiting.ts'

/** Runs what shares a key one after the other, in the order in which it was handed in. */
export type Outbox = <Answer>(key: string, signal: AbortSignal, run: () => Promise<Answer>) => Promise<Answer>

/**
 * An outbox without anything in it. A run that fails lets the next one go; an abort while waiting rejects at once
 * with the signal's reason and leaves the order of the others as it was.
 */
export function createOutbox(): Outbox {
  // For each key, what settles when all that was handed in so far is done.
  const tails = new Map<string, Promise<unknown>>()

  return function inTurn(key, signal, run) {
    const before = tails.get(key)
    const answer = before === undefined ? run() : abortable(before, signal).then(run)
    // With `before`, so that whoever leaves the queue early lets nobody behind it overtake those before it.
    const tail = Promise.allSettled([before, answer]).then(() => {
      if (tails.get(key) === tail) tails.delete(key)
    })
    tails.set(key, tail)
    return answer
  }
}
