import type { Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import { automaticTransport } from './automatic-transport.ts'
import type { EventArrival, EventTransport } from './event-transport.ts'
import { lifetimeOf } from './event-transport.ts'
import { PresenceWatch } from './presence-watch.ts'
import { asyncIterator, follow } from './runtime-gaps.ts'
import { Slices } from './slices.ts'
import type { Fetch } from './transport.ts'
import { abortable, jitter, sleepUntilOnline } from './waiting.ts'

/**
 * The status of a stream. `resync` means that more events were missed than the server can replay, so reload what you
 * show. It also arrives as an event.
 */
export type StreamStatus = 'connected' | 'reconnecting' | 'resync'

/** Settings for connecting streams. */
export interface StreamSettings {
  /**
   * Default: Server-Sent Events, a WebSocket or long polling, whichever is the first that the runtime and the network
   * support. `webSocket()` uses only a WebSocket.
   */
  transport?: EventTransport | undefined
  /**
   * How long Server-Sent Events and a WebSocket may take to connect before the next transport is tried, in
   * milliseconds. Some proxies hold streams back. Default: 8,000.
   */
  connectMs?: number | undefined
  /**
   * How long a connection may be silent before it counts as dead, in milliseconds. Default: 25,000. The server sends
   * something at least every 10,000 ms.
   */
  silenceMs?: number | undefined
  /** The longest pause before reconnecting, in milliseconds. Default: 30,000. */
  maxBackoffMs?: number | undefined
  /**
   * Whether the streams of a user share one connection, in all tabs of a browser. Streams with a `conversationId`,
   * `presence` or other settings have their own. Default: true in browsers, otherwise false.
   */
  share?: boolean | undefined
}

export interface EventOptions extends StreamSettings {
  /** Ends the iteration without an error. */
  signal?: AbortSignal | undefined
  /** Only the events of this conversation. */
  conversationId?: string | undefined
  /** Also report the presence of these users (usernames or ids), if they share a conversation with the user. */
  presence?: readonly string[] | undefined
  /** The position to resume after: the `cursor` of an earlier stream. Without it the stream starts when it connects. */
  cursor?: string | undefined
  /** Called for every change, with the reason for `reconnecting`. */
  onStatus?: ((status: StreamStatus, reason?: unknown) => void) | undefined
}

/** The endless events of one user. Connects when the first event is requested. */
// Not AsyncIterableIterator: its type parameters depend on the version of TypeScript.
export interface EventStream {
  /**
   * The position after the last event. Store it after handling that event, and pass it as `cursor` later to resume.
   * Undefined until the stream has connected.
   */
  readonly cursor: string | undefined
  next(): Promise<IteratorResult<Event, void>>
  /** Ends the stream and its connection, even while waiting for the next event. */
  return(): Promise<IteratorResult<Event, void>>
  [Symbol.asyncIterator](): EventStream
  [Symbol.asyncDispose](): Promise<void>
}

/** What a client's streams need to connect. */
export interface EventSource {
  base: string
  fetch: Fetch
  headers: () => Promise<Headers>
  /** Records that headers were rejected with UNAUTHENTICATED. @returns whether there may be others */
  refuse: (headers: Headers) => boolean
  /** Whether `fetch` is the app's and not the global one. */
  hasOwnFetch: boolean
  settings: StreamSettings
}

const CONNECT_MS = 8_000
const SILENCE_MS = 25_000
const FIRST_BACKOFF_MS = 500
const LONGEST_BACKOFF_MS = 30_000
/** A connection that lasts this long or delivers an event resets the backoff. */
const GOOD_AFTER_MS = 10_000
/** The number of event ids remembered to drop duplicates: more than the server resends. */
export const MAX_SEEN = 2_000

/** How the client's own parts use a stream. */
export interface StreamBehavior {
  /** Keep retrying if the token function fails before the first connection. */
  patient?: boolean
  /** All users in `presence` are ids, and more can be watched with `watch` while the stream is open. */
  canWatch?: boolean
}

/** A stream that can watch the presence of more users while it is open. */
export interface WatchingStream extends EventStream {
  /**
   * @param all everyone to watch, with reconnects
   * @param added those of them who are new, or whose presence is to be sent again
   */
  watch(all: readonly string[], added: readonly string[]): void
}

/**
 * Opens a stream that reconnects automatically with backoff and jitter and resumes where it stopped: each event once,
 * in order within a conversation. Reads only as fast as it is consumed.
 *
 * Throws a SottoError on permanent errors (INVALID_CURSOR, FORBIDDEN, ACTOR_REQUIRED, …), UNAUTHENTICATED if a fresh
 * token was rejected too, and errors of the token function before the first connection.
 */
export function openEvents(
  source: EventSource,
  options: EventOptions,
  { patient = false, canWatch = false }: StreamBehavior = {},
): WatchingStream {
  const controller = new AbortController()
  const { signal } = controller
  const unfollow = follow(controller, options.signal)

  const {
    transport = automaticTransport,
    connectMs = CONNECT_MS,
    silenceMs = SILENCE_MS,
    maxBackoffMs = LONGEST_BACKOFF_MS,
  } = {
    ...source.settings,
    ...definedOf(options),
  }
  const backoff = { firstMs: Math.min(FIRST_BACKOFF_MS, maxBackoffMs), longestMs: maxBackoffMs }
  const seen = createMemory(MAX_SEEN)
  const slices = new Slices()
  const watch = new PresenceWatch(source, signal, options.presence ?? [])
  let cursor = options.cursor

  async function* run(): AsyncGenerator<Event, void> {
    let attempt = 0
    let wasConnected = false
    // Servers before events.watch reject the id.
    let sendsId = canWatch
    // Whether a 401 led to the current attempt with a fresh token.
    let wasRejected = false

    while (!signal.aborted) {
      let retryMs: number | undefined
      let failure: unknown
      let connectedAt: number | undefined
      let isReopening = false
      const headersResult = await settled(abortable(source.headers(), signal))
      if (signal.aborted) return
      if (!headersResult.ok) {
        const isFinal =
          headersResult.error instanceof SottoError
            ? !headersResult.error.retryable
            : !wasConnected && !patient
        if (isFinal) throw headersResult.error
        failure = headersResult.error
      } else {
        const { base, fetch } = source
        const { conversationId } = options
        const { presence, streamId } = watch.connect()
        const lifetime = lifetimeOf(signal)
        const connection = {
          base,
          fetch,
          headers: headersResult.value,
          conversationId,
          presence,
          streamId: sendsId ? streamId : undefined,
          cursor,
          connectMs,
          silenceMs,
          signal: lifetime.signal,
        }
        const arrivals = transport(connection)[asyncIterator]()
        try {
          for (;;) {
            const next = await settled(arrivals.next())
            if (signal.aborted) return
            if (lifetime.signal.aborted) break
            if (!next.ok) {
              failure = next.error
              break
            }
            if (next.value.done) break
            const arrival: EventArrival = next.value.value
            retryMs = arrival.retryMs ?? retryMs
            const { event } = arrival
            const isNew = event !== undefined && !seen.has(event.id)
            if (!isNew) cursor = arrival.cursor ?? cursor
            if (connectedAt === undefined) {
              connectedAt = performance.now()
              wasConnected = true
              wasRejected = false
              watch.connected({ streamId, reopen: lifetime.end })
              options.onStatus?.('connected')
            }
            if (!isNew) continue
            seen.add(event.id)
            attempt = 0
            if (event.type === 'resync') {
              // The log may have started over, including its ids.
              seen.clear()
              options.onStatus?.('resync')
            }
            await slices.pause()
            if (signal.aborted) return
            // Only now: resuming after an event that was not passed on would lose it.
            cursor = arrival.cursor ?? cursor
            yield event
            if (signal.aborted) return
          }
        } finally {
          isReopening = lifetime.signal.aborted
          lifetime.end()
          await arrivals.return?.()
        }
        if (isReopening) continue
      }

      if (sendsId && !wasConnected && failure instanceof SottoError && failure.code === 'INVALID_INPUT') {
        sendsId = false
        continue
      }
      if (failure instanceof SottoError && !failure.retryable) {
        const isRefused = failure.code === 'UNAUTHENTICATED' && headersResult.ok
        if (!isRefused || wasRejected || !source.refuse(headersResult.value)) throw failure
        wasRejected = true
        continue
      }
      if (connectedAt !== undefined && performance.now() - connectedAt >= GOOD_AFTER_MS) attempt = 0
      options.onStatus?.(
        'reconnecting',
        failure ?? new SottoError('UNAVAILABLE', { detail: 'the stream ended' }),
      )
      attempt += 1
      const leastMs = failure instanceof SottoError ? (failure.retryAfterMs ?? 0) : 0
      // Proxies can ask for an hour.
      await sleepUntilOnline(Math.min(retryMs ?? leastMs + jitter(attempt, backoff), maxBackoffMs), signal)
    }
  }

  const events = run()
  async function end(): Promise<IteratorResult<Event, void>> {
    controller.abort()
    unfollow()
    return await events.return()
  }
  return {
    get cursor() {
      return cursor
    },
    async next() {
      try {
        const result = await events.next()
        if (result.done) unfollow()
        return result
      } catch (error) {
        unfollow()
        throw error
      }
    },
    watch: (all, added) => watch.watch(all, added),
    return: end,
    [asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}

type Settled<Value> = { ok: true; value: Value } | { ok: false; error: unknown }

async function settled<Value>(promise: Promise<Value>): Promise<Settled<Value>> {
  try {
    return { ok: true, value: await promise }
  } catch (error) {
    return { ok: false, error }
  }
}

function definedOf({ transport, connectMs, silenceMs, maxBackoffMs }: StreamSettings): StreamSettings {
  return {
    ...(transport && { transport }),
    ...(connectMs !== undefined && { connectMs }),
    ...(silenceMs !== undefined && { silenceMs }),
    ...(maxBackoffMs !== undefined && { maxBackoffMs }),
  }
}

interface Memory {
  has(value: string): boolean
  /** @returns whether the value is new. */
  add(value: string): boolean
  clear(): void
}

/** Remembers up to `size` strings, forgetting the oldest first. */
export function createMemory(size: number): Memory {
  const values = new Set<string>()
  return {
    has: (value) => values.has(value),
    add(value) {
      if (values.has(value)) return false
      values.add(value)
      if (values.size > size) {
        const [oldest] = values
        if (oldest !== undefined) values.delete(oldest)
      }
      return true
    },
    clear: () => values.clear(),
  }
}
