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

/** A signal that aborts when the connection of a response closes, or the response has been sent. */
export function closeSignal(response: ServerResponse): AbortSignal {
  const closed = new AbortController()
  response.once('close', () => closed.abort())
  return closed.signal
}
