import type { ServerResponse } from 'node:http'

/**
 * Returns a function that runs work once the response has been written to the connection. Ignores
 * work for HEAD, whose response has no body.
 */
export function onceWritten(method: string, response: ServerResponse): (work: () => void) => void {
  const waiting: (() => void)[] = []
  return (work) => {
    if (method === 'HEAD') return
    // A single listener for all calls of a batch. Not emitted if the connection closes before.
    if (waiting.length === 0) {
      response.once('finish', () => {
        for (const run of waiting) run()
      })
    }
    waiting.push(work)
  }
}

/**
 * Returns a function that returns a signal, which aborts when the connection of a response closes, or the response has
 * been sent.
 */
export function closeSignal(response: ServerResponse): () => AbortSignal {
  let signal: AbortSignal | undefined
  return () => {
    if (signal) return signal
    const closed = new AbortController()
    // A response that is already closed does not emit `close` again.
    if (response.destroyed) closed.abort()
    // A single listener for all calls of a batch.
    else response.once('close', () => closed.abort())
    signal = closed.signal
    return signal
  }
}
