import type { Event } from '@sotto/contract'
import type { EventSource, StreamStatus } from '../events.ts'
import { openEvents } from '../events.ts'

/** Who listens to a stream that several share. */
export interface Audience {
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
  let controller: AbortController | undefined
  let status: [StreamStatus, unknown] | undefined

  async function run({ signal }: AbortController): Promise<void> {
    const onStatus = (now: StreamStatus, reason: unknown) => {
      if (signal.aborted) return
      // A resync is news, and not how the stream stands.
      if (now !== 'resync') status = [now, reason]
      for (const audience of [...audiences]) audience.onStatus(now, reason)
    }
    try {
      for await (const event of openEvents(source, { signal, onStatus }, { patient: true })) {
        for (const audience of [...audiences]) audience.onEvent(event)
      }
    } catch (error) {
      if (signal.aborted) return
      controller = undefined
      onIdle()
      const left = [...audiences]
      audiences.clear()
      for (const audience of left) audience.onFailure(error)
    }
  }

  return {
    join(audience) {
      audiences.add(audience)
      if (!controller) {
        status = undefined
        controller = new AbortController()
        void run(controller)
      } else if (status) {
        audience.onStatus(...status)
      }
      return () => {
        if (!audiences.delete(audience) || audiences.size > 0) return
        controller?.abort()
        controller = undefined
        onIdle()
      }
    },
  }
}
