import type { Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { EventSource, StreamStatus } from '../events.ts'
import { openEvents } from '../events.ts'
import { WatchedUsers } from './watched-users.ts'

/** How long to collect users to watch before reconnecting, in milliseconds. */
const COLLECT_MS = 50

/** A listener on a shared stream. */
export interface Listener {
  /** The id of a user whose `presence.changed` events to receive: the current state immediately, then every change. */
  watch?: string
  onEvent: (event: Event) => void
  onStatus: (status: StreamStatus, reason: unknown) => void
  /** Called when the stream has failed permanently. */
  onFailure: (error: unknown) => void
}

/** One stream for all live views of a client. Open while there is a view. */
export interface LiveHub {
  /** @returns a function that removes the listener. */
  join(listener: Listener): () => void
}

/** @param onIdle called when the last listener has left or the stream has failed */
export function createLiveHub(source: EventSource, onIdle: () => void): LiveHub {
  const listeners = new Set<Listener>()
  const watched = new WatchedUsers()
  let controller: AbortController | undefined
  /** Aborts the current connection, which is reopened to watch other users. */
  let connection: AbortController | undefined
  let collecting: ReturnType<typeof setTimeout> | undefined
  let status: [StreamStatus, unknown] | undefined

  function dispatch(event: Event): void {
    if (event.type === 'presence.changed') watched.put(event)
    if (event.type === 'conversation.created') {
      if (event.conversation.participants.some(({ user }) => watched.lacksPresence(user.id))) reconnect()
    }
    forEachListener((listener) => {
      if (event.type !== 'presence.changed' || listener.watch === event.userId) listener.onEvent(event)
    })
  }

  /** Leaves out listeners that earlier ones have removed. */
  function forEachListener(call: (listener: Listener) => void): void {
    for (const listener of [...listeners]) if (listeners.has(listener)) call(listener)
  }

  async function run({ signal }: AbortController): Promise<void> {
    let cursor: string | undefined
    const onStatus = (now: StreamStatus, reason: unknown) => {
      if (signal.aborted) return
      if (now === 'connected') watched.accept()
      // A resync is an event rather than a state of the stream.
      if (now !== 'resync') status = [now, reason]
      forEachListener((listener) => listener.onStatus(now, reason))
    }
    while (!signal.aborted) {
      connection = new AbortController()
      const presence = watched.select()
      const options = { signal: connection.signal, cursor, presence, onStatus }
      const events = openEvents(source, options, { patient: true })
      try {
        for await (const event of events) dispatch(event)
      } catch (error) {
        const isUnknownUser = error instanceof SottoError && error.code === 'USER_NOT_FOUND'
        if (presence.length === 0 || !isUnknownUser) throw error
        watched.reject()
      }
      cursor = events.cursor
    }
  }

  function open(): void {
    status = undefined
    const opened = new AbortController()
    controller = opened
    run(opened).catch((error: unknown) => {
      if (opened.signal.aborted) return
      close()
      forEachListener((listener) => {
        listeners.delete(listener)
        listener.onFailure(error)
      })
    })
  }

  function close(): void {
    controller?.abort()
    connection?.abort()
    controller = undefined
    clearTimeout(collecting)
    collecting = undefined
    onIdle()
  }

  function reconnect(): void {
    collecting ??= setTimeout(() => {
      collecting = undefined
      connection?.abort()
    }, COLLECT_MS)
  }

  function watch(listener: Listener, userId: string): void {
    const isNews = watched.add(userId)
    // A connection that has yet to be opened will watch them all.
    if (!controller) return
    if (isNews) {
      reconnect()
    } else {
      const known = watched.latest(userId)
      if (known) listener.onEvent(known)
    }
  }

  return {
    join(listener) {
      listeners.add(listener)
      if (listener.watch !== undefined) watch(listener, listener.watch)
      if (!controller) open()
      else if (status) listener.onStatus(...status)
      return () => {
        if (listeners.delete(listener) && listeners.size === 0) close()
      }
    },
  }
}
