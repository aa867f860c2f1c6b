import { defer } from './deferred-view.ts'
import type { LazyPart } from './lazy-part.ts'
import type { LivePresence as LoadedPresence, PresenceState } from './live/live-presence.ts'
import type { LiveViews } from './live/live-views.ts'

/**
 * A live view of whether a user is online, until `close()`. `state` is undefined until it is known, and stays undefined
 * if the two users share no conversation or one has blocked the other.
 */
export interface LivePresence extends Pick<LoadedPresence, keyof LoadedPresence> {}

/** A live view that can be used before its code is loaded. */
export function deferredPresence(
  part: LazyPart<LiveViews>,
  open: (views: LiveViews) => LoadedPresence,
): LivePresence {
  const deferred = defer<LiveViews, LoadedPresence, PresenceState | undefined>({
    part,
    open,
    initial: undefined,
    afterFailure: () => undefined,
  })

  let isClosed = false
  function close(): void {
    isClosed = true
    deferred.run((view) => view.close())
    deferred.stop(undefined)
  }

  return {
    get state() {
      return deferred.state
    },
    get isClosed() {
      return deferred.view?.isClosed ?? isClosed
    },
    getSnapshot: () => deferred.state,
    subscribe: deferred.subscribe,
    close,
    [Symbol.dispose]: close,
  }
}
