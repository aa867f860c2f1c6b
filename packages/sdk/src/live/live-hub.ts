import type { Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { EventSource, StreamStatus } from '../events.ts'
import { openEvents } from '../events.ts'
import { WatchedUsers } from './watched-users.ts'

/** Users to watch that are named within so long are asked for together, in milliseconds. */
const GATHER_MS = 50

/** Who listens to a stream that several share. */
export interface Audience {
  /** The id of a user of whom `presence.changed` is to be told: at once, and when it changes. */
  watch?: string
  onEvent: (event: Event) => void
  onStatus: (status: StreamStatus, reason: unknown) => void
  /** The stream has failed for good. */
  onFailure: (error: unknown) => void
}

/** One stream for all live views of a client: open while there is a view. */
export interface LiveHub {
  /** @returns what leaves it again. */
  join(audience: Audience): () => void
}

/** @param onIdle called when nobody is left, or the stream has failed */
export function createLiveHub(source: EventSource, onIdle: () => void): LiveHub {
  const audiences = new Set<Audience>()
  const watched = new WatchedUsers()
  let controller: AbortController | undefined
  /** Of the connection, which is made anew for other users to watch. */
  let connection: AbortController | undefined
  let gathering: ReturnType<typeof setTimeout> | undefined
  let status: [StreamStatus, unknown] | undefined

  function tell(event: Event): void {
    if (event.type === 'presence.changed') watched.put(event)
    if (event.type === 'conversation.created') {
      if (event.conversation.participants.some(({ user }) => watched.isMissed(user.id))) openAnew()
    }
    for (const audience of [...audiences]) {
      if (event.type !== 'presence.changed' || audience.watch === event.userId) audience.onEvent(event)
    }
  }

  async function run({ signal }: AbortController): Promise<void> {
    let cursor: string | undefined
    const onStatus = (now: StreamStatus, reason: unknown) => {
      if (signal.aborted) return
      if (now === 'connected') watched.accept()
      // A resync is news, and not how the stream stands.
      if (now !== 'resync') status = [now, reason]
      for (const audience of [...audiences]) audience.onStatus(now, reason)
    }
    while (!signal.aborted) {
      connection = new AbortController()
      const presence = watched.name()
      const options = { signal: connection.signal, cursor, presence, onStatus }
      const events = openEvents(source, options, { patient: true })
      try {
        for await (const event of events) tell(event)
      } catch (error) {
        const isUnknownUser = error instanceof SottoError && error.code === 'USER_NOT_FOUND'
        if (presence.length === 0 || !isUnknownUser) throw error
        watched.refuse()
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
      const left = [...audiences]
      audiences.clear()
      for (const audience of left) audience.onFailure(error)
    })
  }

  function close(): void {
    controller?.abort()
    connection?.abort()
    controller = undefined
    clearTimeout(gathering)
    gathering = undefined
    onIdle()
  }

  function openAnew(): void {
    gathering ??= setTimeout(() => {
      gathering = undefined
      connection?.abort()
    }, GATHER_MS)
  }

  function watch(audience: Audience, userId: string): void {
    const isNews = watched.want(userId)
    // One that is about to be opened names them all.
    if (!controller) return
    if (isNews) {
      openAnew()
    } else {
      const known = watched.latest(userId)
      if (known) audience.onEvent(known)
    }
  }

  return {
    join(audience) {
      audiences.add(audience)
      if (audience.watch !== undefined) watch(audience, audience.watch)
      if (!controller) open()
      else if (status) audience.onStatus(...status)
      return () => {
        if (audiences.delete(audience) && audiences.size === 0) close()
      }
    },
  }
}
