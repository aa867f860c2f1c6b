import type { Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import { createBlockParser } from './server-sent-events.ts'
import { parseWithTimes } from './times.ts'
import type { Fetch } from './transport.ts'
import { refusalOf } from './transport.ts'
import { abortable, LONGEST_TIMER_MS } from './waiting.ts'

/** What one connection is opened with. */
export interface EventConnection {
  /** The server's address, without a slash at its end. */
  base: string
  fetch: Fetch
  /** `authorization` and `act-as`, asked for anew for each connection. */
  headers: Headers
  conversationId: string | undefined
  presence: readonly string[] | undefined
  /** To go on after it; undefined starts now. */
  cursor: string | undefined
  /** A connection that says nothing for so long is dead, in milliseconds. */
  silenceMs: number
  /** Ends the connection. */
  signal: AbortSignal
}

/** What came over a connection: the cursor moves before its event is handed on. */
export interface EventArrival {
  cursor?: string | undefined
  event?: Event | undefined
  /** How long the server wants one to be away before the next connection. */
  retryMs?: number | undefined
}

/**
 * One connection, from its opening to its end. The first arrival says that it stands. It reads no further ahead
 * than it has to, leaves nothing open when its iteration ends, and throws a SottoError when it fails.
 */
export type EventTransport = (connection: EventConnection) => AsyncIterable<EventArrival>

/** `GET /v1/events`, read with `fetch`. */
export async function* serverSentEvents(connection: EventConnection): AsyncGenerator<EventArrival, void> {
  const { base, headers, cursor, conversationId, presence, silenceMs } = connection
  const query = new URLSearchParams()
  if (conversationId !== undefined) query.set('conversationId', conversationId)
  if (presence?.length) query.set('presence', presence.join(','))
  const url = `${base}/v1/events`
  headers.set('accept', 'text/event-stream')
  if (cursor !== undefined) headers.set('last-event-id', cursor)

  const life = lifeOf(connection.signal)
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  try {
    const request = { method: 'GET', headers: Object.fromEntries(headers), signal: life.signal }
    const address = query.size > 0 ? `${url}?${query}` : url
    const response = await life.within(silenceMs, connection.fetch(address, request))
    const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
    if (response.status !== 200 || !isStream || !response.body) {
      throw await life.within(silenceMs, refusalOf(url, response))
    }
    reader = response.body.getReader()
    const parse = createBlockParser()
    for (;;) {
      const { done, value } = await life.within(silenceMs, reader.read())
      if (done) return
      for (const { id, data, retryMs } of parse(value)) {
        yield {
          cursor: id || undefined,
          event: data === undefined ? undefined : (parseWithTimes(data) as Event),
          retryMs,
        }
      }
    }
  } finally {
    life.end()
    // For a fetch of the caller's own that does not heed the signal.
    reader?.cancel().catch(() => {})
  }
}

interface Life {
  /** Aborted when the connection has ended, for whatever reason. */
  signal: AbortSignal
  /** As the promise, unless that takes too long, which ends the connection. */
  within<Value>(ms: number, promise: Promise<Value>): Promise<Value>
  end(): void
}

/** Everything that a connection holds hangs on one signal, which its end aborts. */
export function lifeOf(signal: AbortSignal): Life {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    async within(ms, promise) {
      const timer = setTimeout(
        () =>
          controller.abort(new SottoError('UNAVAILABLE', { detail: `the stream was silent for ${ms} ms` })),
        Math.min(ms, LONGEST_TIMER_MS),
      )
      try {
        return await abortable(promise, controller.signal)
      } catch (error) {
        controller.signal.throwIfAborted()
        if (error instanceof SottoError) throw error
        throw new SottoError('UNAVAILABLE', { detail: 'the stream broke off', cause: error })
      } finally {
        clearTimeout(timer)
      }
    },
    end() {
      signal.removeEventListener('abort', abort)
      controller.abort()
    },
  }
}
