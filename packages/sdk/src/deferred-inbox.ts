import { SottoError } from '@sotto/contract'
import { defer } from './deferred-view.ts'
import { initialInboxState } from './initial-states.ts'
import type { LazyPart } from './lazy-part.ts'
import type { InboxState, LiveInbox as LoadedInbox } from './live/live-inbox.ts'
import type { LiveViews } from './live/live-views.ts'

/**
 * A live view of a user's inbox until `close()`: the last messages and unread counts of conversations.
 *
 * Converges to the server's state, even if requests or connections fail. `state` is the same object until something
 * changes.
 */
export interface LiveInbox extends Pick<LoadedInbox, keyof LoadedInbox> {}

/** A live view that can be used before its code is loaded. */
export function deferredInbox(part: LazyPart<LiveViews>, open: (views: LiveViews) => LoadedInbox): LiveInbox {
  const deferred = defer<LiveViews, LoadedInbox, InboxState>({
    part,
    open,
    initial: initialInboxState,
    afterFailure: (state, error) => ({ ...state, connection: 'reconnecting', error }),
  })

  function close(): void {
    deferred.change({ ...deferred.state, connection: 'closed' })
    deferred.run((view) => view.close())
    deferred.stop(new SottoError('UNAVAILABLE', { detail: 'the inbox is closed' }))
  }

  return {
    get state() {
      return deferred.state
    },
    getSnapshot: () => deferred.state,
    subscribe: deferred.subscribe,
    loadMore: () => deferred.call((view) => view.loadMore()),
    close,
    [Symbol.dispose]: close,
  }
}
