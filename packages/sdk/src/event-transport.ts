import type { Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import { abortWith, follow, throwIfAborted } from './runtime-gaps.ts'
import { createBlockParser } from './server-sent-events.ts'
import { parseWithTimes } from './times.ts'
import type { Fetch } from './transport.ts'
import { errorOfResponse, unreachable } from './transport.ts'
import { abortable, startTimer } from './waiting.ts'

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
  /** How long a transport may take to connect if there is another one to try, in milliseconds. */
  connectMs: number
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
  const url = `${base}/v1/events`
  const query = { conversationId, presence: presence?.length ? presence.join(',') : undefined, streamId }
  headers.set('accept', 'text/event-stream')
  if (cursor !== undefined) headers.set('last-event-id', cursor)

  const lifetime = lifetimeOf(connection.signal)
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  try {
    const response = await lifetime.within(silenceMs, get(connection, url, query, lifetime.signal))
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

/** Sends a GET request with the connection's headers. @throws SottoError UNAVAILABLE without a response. */
export async function get(
  { fetch, headers }: EventConnection,
  url: string,
  query: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Response> {
  // Not URLSearchParams, which is incomplete in React Native and older browsers.
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${encodeURIComponent(value)}`,
  )
  const address = parameters.length > 0 ? `${url}?${parameters.join('&')}` : url
  try {
    return await fetch(address, { method: 'GET', headers: Object.fromEntries(headers), signal })
  } catch (cause) {
    throw unreachable(url, cause)
  }
}

export interface Lifetime {
  /** Aborted when the connection ends for any reason. */
  signal: AbortSignal
  /** Returns the result of the promise. If it takes longer, ends the connection. */
  within<Value>(ms: number, promise: Promise<Value>): Promise<Value>
  end(): void
}

/** Ties all resources of a connection to one signal, which is aborted when it ends. */
export function lifetimeOf(signal: AbortSignal): Lifetime {
  const controller = new AbortController()
  const unfollow = follow(controller, signal)
  return {
    signal: controller.signal,
    async within(ms, promise) {
      const timer = startTimer(ms, () =>
        abortWith(
          controller,
          new SottoError('UNAVAILABLE', { detail: `the stream was silent for ${ms} ms` }),
        ),
      )
      try {
        return await abortable(promise, controller.signal)
      } catch (error) {
        throwIfAborted(controller.signal)
        if (error instanceof SottoError) throw error
        throw new SottoError('UNAVAILABLE', { detail: 'the stream broke', cause: error })
      } finally {
        clearTimeout(timer)
      }
    },
    end() {
      unfollow()
      controller.abort()
    },
  }
}
