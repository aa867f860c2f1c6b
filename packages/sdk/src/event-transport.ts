import type { Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import { createBlockParser } from './server-sent-events.ts'
import { parseWithTimes } from './times.ts'
import type { Fetch } from './transport.ts'
import { errorOfResponse, unreachable } from './transport.ts'
import { abortable, LONGEST_TIMER_MS } from './waiting.ts'

/** The parameters of one connection. */
export interface EventConnection {
  /** The address of the server, without a trailing slash. */
  base: string
  fetch: Fetch
  /** `authorization`, `act-as` and `expected-user`, requested again for each connection. */
  headers: Headers
  conversationId: string | undefined
  presence: readonly string[] | undefined
  /** The client's id of the stream. Undefined if it will not watch more users. */
  streamId: string | undefined
  /** The position to resume after. Undefined to start with new events. */
  cursor: string | undefined
  /** How long a connection may be silent before it counts as dead, in milliseconds. */
  silenceMs: number
  /** Closes the connection. */
  signal: AbortSignal
}

/** A message from a connection. `cursor` is the position after `event`. */
export interface EventArrival {
  cursor?: string | undefined
  event?: Event | undefined
  /** How long the server asks the client to wait before it reconnects. */
  retryMs?: number | undefined
}

/**
 * One connection, from opening to closing. The first arrival indicates that it is established. It reads no further
 * ahead than necessary, closes everything when its iteration ends, and throws a SottoError on failure.
 */
export type EventTransport = (connection: EventConnection) => AsyncIterable<EventArrival>

/** `GET /v1/events`, read with `fetch`. */
export async function* serverSentEvents(connection: EventConnection): AsyncGenerator<EventArrival, void> {
  const { base, headers, cursor, conversationId, presence, streamId, silenceMs } = connection
  const query = new URLSearchParams()
  if (conversationId !== undefined) query.set('conversationId', conversationId)
  if (presence?.length) query.set('presence', presence.join(','))
  if (streamId !== undefined) query.set('streamId', streamId)
  const url = `${base}/v1/events`
  headers.set('accept', 'text/event-stream')
  if (cursor !== undefined) headers.set('last-event-id', cursor)

  const lifetime = lifetimeOf(connection.signal)
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  try {
    const request = { method: 'GET', headers: Object.fromEntries(headers), signal: lifetime.signal }
    const address = query.size > 0 ? `${url}?${query}` : url
    const response = await lifetime.within(
      silenceMs,
      connection.fetch(address, request).catch((cause: unknown) => {
        throw unreachable(url, cause)
      }),
    )
    const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
    if (response.status !== 200 || !isStream || !response.body) {
      throw await lifetime.within(silenceMs, errorOfResponse(url, response))
    }
    reader = response.body.getReader()
    const parse = createBlockParser()
    for (;;) {
      const { done, value } = await lifetime.within(silenceMs, reader.read())
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
    lifetime.end()
    // Needed if a custom fetch ignores the signal.
    reader?.cancel().catch(() => {})
  }
}

interface Lifetime {
  /** Aborted when the connection ends for any reason. */
  signal: AbortSignal
  /** Returns the result of the promise. If it takes longer, ends the connection. */
  within<Value>(ms: number, promise: Promise<Value>): Promise<Value>
  end(): void
}

/** Ties all resources of a connection to one signal, which is aborted when it ends. */
export function lifetimeOf(signal: AbortSignal): Lifetime {
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
        throw new SottoError('UNAVAILABLE', { detail: 'the stream broke', cause: error })
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
