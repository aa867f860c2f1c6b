import type { Event } from '@sotto/contract'
import type { EventSource, StreamStatus, WatchingStream } from '../events.ts'
import { openStream } from '../streams.ts'
import { WatchedUsers } from './watched-users.ts'

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
  let stream: WatchingStream | undefined
  let status: [StreamStatus, unknown] | undefined

  function dispatch(event: Event): void {
    if (event.type === 'presence.changed') watched.put(event)
    if (event.type === 'conversation.created') {
      // The stream only reports users who shared a conversation with the user when they were added.
      const added = event.conversation.participants.map(({ user }) => user.id)
      stream?.watch(
        watched.select(),
        added.filter((id) => watched.lacksPresence(id)),
      )
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
    const onStatus = (now: StreamStatus, reason: unknown) => {
      if (signal.aborted) return
      // A resync is an event rather than a state of the stream.
      if (now !== 'resync') status = [now, reason]
      forEachListener((listener) => listener.onStatus(now, reason))
    }
    const options = { signal, presence: watched.select(), onStatus }
    const opened = await openStream(source, options, { patient: true, canWatch: true })
    if (signal.aborted) return
    stream = opened
    opened.watch(watched.select(), [])
    for await (const event of opened) dispatch(event)
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
    controller = undefined
    stream = undefined
    onIdle()
  }

  function watch(listener: Listener, userId: string): void {
    const isNews = watched.add(userId)
    if (!stream) return
    if (isNews) {
      stream.watch(watched.select(), [userId])
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
