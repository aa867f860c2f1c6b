import type { Event } from '@sotto/contract'
import type { EventOptions, EventSource, StreamBehavior, StreamStatus, WatchingStream } from '../events.ts'
import { createMemory, MAX_SEEN, openEvents } from '../events.ts'
import { isPage } from '../page.ts'
import type { Reader } from './reader.ts'
import { SharedStream } from './shared-stream.ts'
import { sparingTransport } from './sparing-transport.ts'
import { streamKeyOf } from './stream-key.ts'

/** The shared streams of this page. */
const open = new Map<SharedStream, EventSource>()

/**
 * Opens a stream that shares one connection with the other streams of the same user, in all tabs of the browser. Gives
 * the same guarantees as a stream of its own, which it becomes whenever sharing is not possible.
 */
export function openSharedEvents(
  given: EventSource,
  options: EventOptions,
  behavior: StreamBehavior = {},
): WatchingStream {
  const ending = new AbortController()
  const { signal } = ending
  const end = () => ending.abort()
  if (options.signal?.aborted) end()
  options.signal?.addEventListener('abort', end, { once: true })

  const source = withSparingTransport(given)
  const seen = createMemory(MAX_SEEN)
  let { cursor } = options
  let wasConnected = false
  let watched = options.presence ?? []
  /** Where to watch other users. */
  let watching: Pick<WatchingStream, 'watch'> | undefined
  let last: { status: StreamStatus; reason: unknown } | undefined

  function report(status: StreamStatus, reason?: unknown): void {
    if (status === 'connected') wasConnected = true
    const isRepeated = last?.status === status && last.reason === reason
    last = { status, reason }
    if (!isRepeated || status === 'resync') options.onStatus?.(status, reason)
  }

  /** A stream of its own, until the shared stream of the reader can continue, if there is one. */
  async function* own(reader?: Reader): AsyncGenerator<Event, void> {
    const patient = behavior.patient === true || wasConnected
    const onStatus = (status: StreamStatus, reason?: unknown) => {
      cursor ??= stream.cursor
      report(status, reason)
    }
    const ownOptions = { ...options, presence: watched, signal, cursor, onStatus }
    const stream = openEvents(source, ownOptions, { ...behavior, patient })
    watching = stream
    reader?.catchUp({
      hasReceived: (event) => isLogged(event) && seen.has(event.id),
      onDone: () => void stream.return(),
    })
    try {
      for await (const event of stream) {
        cursor = stream.cursor
        if (!seen.add(event.id)) continue
        if (event.type === 'resync') seen.clear()
        if (isLogged(event)) reader?.received(event)
        yield event
      }
    } finally {
      cursor = stream.cursor
      await stream.return()
    }
  }

  async function* run(): AsyncGenerator<Event, void> {
    const shared = isShareable(options, behavior) ? await join(given) : undefined
    if (!shared || signal.aborted) {
      yield* own()
      return
    }
    const reader = shared.read(cursor, watched)
    const watchShared = {
      watch: (all: readonly string[], added: readonly string[]) => shared.watch(reader, all, added),
    }
    watching = watchShared
    try {
      for (;;) {
        const item = await reader.take(signal)
        if (!item) return
        if (item.type === 'end') break
        if (item.type === 'gap') {
          yield* own(reader)
          watching = watchShared
          shared.watch(reader, watched, watched)
          if (signal.aborted) return
        } else if (item.type === 'status') {
          report(item.status, item.reason)
        } else {
          const { event } = item.entry
          if (event && !seen.add(event.id)) continue
          cursor = item.entry.cursor ?? cursor
          if (!event) continue
          if (event.type === 'resync') {
            seen.clear()
            report('resync')
          }
          yield event
        }
      }
    } finally {
      shared.leave(reader)
    }
    yield* own()
  }

  const events = run()
  async function stop(): Promise<IteratorResult<Event, void>> {
    end()
    options.signal?.removeEventListener('abort', end)
    return await events.return()
  }
  return {
    get cursor() {
      return cursor
    },
    async next() {
      const result = await events.next()
      if (result.done) options.signal?.removeEventListener('abort', end)
      return result
    },
    watch(all, added) {
      watched = all
      watching?.watch(all, added)
    },
    return: stop,
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

/** The stream of the page for this user. Undefined if the user is not known yet. */
async function join(source: EventSource): Promise<SharedStream | undefined> {
  try {
    const key = await streamKeyOf(source, await source.headers())
    for (const [shared, other] of open) {
      // Two clients may connect in different ways. They share as two tabs do.
      const isSameClient = source.fetch === other.fetch && source.settings === other.settings
      if (isSameClient && shared.key.value === key.value) return shared
    }
    const shared = new SharedStream({
      key,
      source: withSparingTransport(source),
      onClose: () => open.delete(shared),
    })
    open.set(shared, source)
    return shared
  } catch {
    // A stream of its own reports the error.
    return undefined
  }
}

/** Streams with other events or other settings are not shared. */
function isShareable(
  { conversationId, presence, transport, silenceMs, maxBackoffMs }: EventOptions,
  { canWatch = false }: StreamBehavior,
): boolean {
  const isDefault = transport === undefined && silenceMs === undefined && maxBackoffMs === undefined
  return isDefault && conversationId === undefined && (canWatch || !presence?.length)
}

/** Only pages have a limit of connections, and a `fetch` of the app may do what a WebSocket does not. */
function withSparingTransport(source: EventSource): EventSource {
  const { settings, hasOwnFetch } = source
  if (settings.transport || hasOwnFetch || !isPage()) return source
  return { ...source, settings: { ...settings, transport: sparingTransport } }
}

/** Signals are not in the log, so streams may receive them in different places. */
function isLogged({ type }: Event): boolean {
  return !type.startsWith('typing.') && !type.startsWith('presence.')
}
