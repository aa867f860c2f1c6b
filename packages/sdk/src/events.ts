import type { Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { EventArrival, EventTransport } from './event-transport.ts'
import { serverSentEvents } from './event-transport.ts'
import type { Fetch } from './transport.ts'
import { abortable, jitter, sleepUntilOnline } from './waiting.ts'

/**
 * How a stream stands. `resync`: more was missed than the server can tell; reload what you show. The same comes as
 * an event.
 */
export type StreamStatus = 'connected' | 'reconnecting' | 'resync'

/** How streams connect. */
export interface StreamSettings {
  /** Server-Sent Events over `fetch` unless told otherwise; `webSocket()` is the other one. */
  transport?: EventTransport | undefined
  /**
   * A connection that says nothing for so long counts as dead. 25,000 ms unless told otherwise; the server shows
   * every 10,000 ms that it lives.
   */
  silenceMs?: number | undefined
  /** The longest pause before connecting again. 30,000 ms unless told otherwise. */
  maxBackoffMs?: number | undefined
}

export interface EventOptions extends StreamSettings {
  /** Ends the iteration, as if there were no more events; it does not throw. */
  signal?: AbortSignal | undefined
  /** Only the events of this conversation. */
  conversationId?: string | undefined
  /** Tell when these users (usernames or ids) come and go, if one shares a conversation with them. */
  presence?: readonly string[] | undefined
  /** Goes on after this place, an earlier stream's `cursor`. Without one the stream starts when it connects. */
  cursor?: string | undefined
  /** Told of every change; with `reconnecting` also why. */
  onStatus?: ((status: StreamStatus, reason?: unknown) => void) | undefined
}

/** The events of one user, without end. Nothing is asked for before the first is waited for. */
export interface EventStream extends AsyncIterableIterator<Event, void, undefined> {
  /**
   * The place after the event that came last. Keep it once that event is dealt with, and give it as `cursor` later
   * to go on from there. Undefined until the stream has connected.
   */
  readonly cursor: string | undefined
  /** Ends the stream and its connection, also while the next event is being waited for. */
  return(): Promise<IteratorResult<Event, void>>
  [Symbol.asyncDispose](): Promise<void>
}

/** Where a client's streams come from. */
export interface EventSource {
  base: string
  fetch: Fetch
  headers: () => Promise<Headers>
  /** Whether asking for the headers again can give others. */
  canRefresh: boolean
  settings: StreamSettings
}

const SILENCE_MS = 25_000
const FIRST_BACKOFF_MS = 500
const LONGEST_BACKOFF_MS = 30_000
/** Who stays connected for so long, or brings an event, was a good connection: the pauses start anew. */
const GOOD_AFTER_MS = 10_000
/** How many events are remembered, to drop those that come twice: more than the server sends again. */
const MAX_SEEN = 2_000

interface Behaviour {
  /** Goes on when the token function fails before the first connection too. */
  patient?: boolean
}

/**
 * Opens a stream that connects again by itself, with growing, random pauses, and goes on where it was: every event
 * once, in order within a conversation. Reads as fast as it is read from, and no faster.
 *
 * Throws a SottoError for what will not pass (INVALID_CURSOR, FORBIDDEN, ACTOR_REQUIRED, …); UNAUTHENTICATED when
 * a fresh token was refused too; and what the token function throws before the first connection.
 */
export function openEvents(
  source: EventSource,
  options: EventOptions,
  { patient = false }: Behaviour = {},
): EventStream {
  const controller = new AbortController()
  const { signal } = controller
  const abort = () => controller.abort()
  if (options.signal?.aborted) abort()
  options.signal?.addEventListener('abort', abort, { once: true })

  const {
    transport = serverSentEvents,
    silenceMs = SILENCE_MS,
    maxBackoffMs = LONGEST_BACKOFF_MS,
  } = {
    ...source.settings,
    ...definedOf(options),
  }
  const backoff = { firstMs: Math.min(FIRST_BACKOFF_MS, maxBackoffMs), longestMs: maxBackoffMs }
  const seen = createMemory(MAX_SEEN)
  let cursor = options.cursor

  async function* run(): AsyncGenerator<Event, void> {
    let attempt = 0
    let wasConnected = false
    // A 401 after which a fresh token is tried.
    let wasRefused = false

    while (!signal.aborted) {
      let retryMs: number | undefined
      let failure: unknown
      let connectedAt: number | undefined
      const asked = await settled(abortable(source.headers(), signal))
      if (signal.aborted) return
      if (!asked.ok) {
        const isFinal = asked.error instanceof SottoError ? !asked.error.retryable : !wasConnected && !patient
        if (isFinal) throw asked.error
        failure = asked.error
      } else {
        const { base, fetch } = source
        const { conversationId, presence } = options
        const connection = {
          base,
          fetch,
          headers: asked.value,
          conversationId,
          presence,
          cursor,
          silenceMs,
          signal,
        }
        const arrivals = transport(connection)[Symbol.asyncIterator]()
        try {
          for (;;) {
            const next = await settled(arrivals.next())
            if (signal.aborted) return
            if (!next.ok) {
              failure = next.error
              break
            }
            if (next.value.done) break
            const arrival: EventArrival = next.value.value
            retryMs = arrival.retryMs ?? retryMs
            cursor = arrival.cursor ?? cursor
            if (connectedAt === undefined) {
              connectedAt = performance.now()
              wasConnected = true
              wasRefused = false
              options.onStatus?.('connected')
            }
            const { event } = arrival
            if (!event || !seen.add(event.id)) continue
            attempt = 0
            if (event.type === 'resync') {
              // The log may have begun anew, and its ids with it.
              seen.clear()
              options.onStatus?.('resync')
            }
            yield event
            if (signal.aborted) return
          }
        } finally {
          await arrivals.return?.()
        }
      }

      if (failure instanceof SottoError && !failure.retryable) {
        if (failure.code !== 'UNAUTHENTICATED' || !source.canRefresh || wasRefused) throw failure
        wasRefused = true
        continue
      }
      if (connectedAt !== undefined && performance.now() - connectedAt >= GOOD_AFTER_MS) attempt = 0
      options.onStatus?.(
        'reconnecting',
        failure ?? new SottoError('UNAVAILABLE', { detail: 'the stream ended' }),
      )
      attempt += 1
      const leastMs = failure instanceof SottoError ? (failure.retryAfterMs ?? 0) : 0
      const pauseMs =
        retryMs === undefined ? leastMs + jitter(attempt, backoff) : Math.min(retryMs, maxBackoffMs)
      await sleepUntilOnline(pauseMs, signal)
    }
  }

  const events = run()
  async function end(): Promise<IteratorResult<Event, void>> {
    abort()
    options.signal?.removeEventListener('abort', abort)
    return await events.return()
  }
  return {
    get cursor() {
      return cursor
    },
    async next() {
      const result = await events.next()
      if (result.done) options.signal?.removeEventListener('abort', abort)
      return result
    },
    return: end,
    [Symbol.asyncIterator]() {
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

function definedOf({ transport, silenceMs, maxBackoffMs }: StreamSettings): StreamSettings {
  return {
    ...(transport && { transport }),
    ...(silenceMs !== undefined && { silenceMs }),
    ...(maxBackoffMs !== undefined && { maxBackoffMs }),
  }
}

/** Remembers so many strings, and forgets the oldest first. */
function createMemory(size: number): { add: (value: string) => boolean; clear: () => void } {
  const values = new Set<string>()
  return {
    /** @returns whether it is new. */
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
