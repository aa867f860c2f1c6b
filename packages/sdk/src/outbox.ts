import { abortable } from './waiting.ts'

/** Runs tasks with the same key one at a time, in the order they were added. */
export type Outbox = <Result>(key: string, signal: AbortSignal, run: () => Promise<Result>) => Promise<Result>

/**
 * Creates an empty outbox. A failed task does not stop the next one. Aborting a waiting task rejects immediately with
 * the signal's reason and does not change the order of the others.
 */
export function createOutbox(): Outbox {
  // For each key, a promise that settles when all tasks so far are done.
  const tails = new Map<string, Promise<unknown>>()

  return function inTurn(key, signal, run) {
    const before = tails.get(key)
    const result = before === undefined ? run() : abortable(before, signal).then(run)
    // Includes `before`, so that when a waiting task is aborted, later tasks still wait for earlier ones.
    const tail = Promise.allSettled([before, result]).then(() => {
      if (tails.get(key) === tail) tails.delete(key)
    })
    tails.set(key, tail)
    return result
  }
}
