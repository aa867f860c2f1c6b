import type { StreamStatus } from '../events.ts'
import { ChangeSignal } from './change-signal.ts'
import type { LiveHub } from './live-hub.ts'

/** The presence of a user, who is online while they have a stream open. */
export interface PresenceState {
  readonly online: boolean
  /** Null while online, or if unknown. */
  readonly lastSeenAt: Date | null
}

/** The view behind the public LivePresence. */
export class LivePresence {
  readonly #changes = new ChangeSignal()
  readonly #leave: () => void
  #state: PresenceState | undefined
  #isClosed = false

  constructor(userId: string, hub: LiveHub) {
    this.#leave = hub.join({
      watch: userId,
      onEvent: (event) => {
        if (event.type === 'presence.changed')
          this.#set({ online: event.online, lastSeenAt: event.lastSeenAt })
      },
      // While disconnected, the presence of others is unknown. The stream sends it again after reconnecting.
      onStatus: (status: StreamStatus) => {
        if (status === 'reconnecting') this.#set(undefined)
      },
      onFailure: () => {
        this.#isClosed = true
        this.#set(undefined)
      },
    })
  }

  get state(): PresenceState | undefined {
    return this.#state
  }

  /** True after `close()` or a permanent failure. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Returns `state`. For `useSyncExternalStore(presence.subscribe, presence.getSnapshot)` and similar. */
  readonly getSnapshot = (): PresenceState | undefined => this.#state

  /**
   * Calls the listener in a task of its own after changes, once for all changes since the last time, at most every
   * 50 ms. All views of a page are notified together. @returns a function that unsubscribes.
   */
  readonly subscribe = (listener: () => void): (() => void) => this.#changes.listen(listener)

  close(): void {
    this.#isClosed = true
    this.#leave()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #set(state: PresenceState | undefined): void {
    this.#state = state
    this.#changes.notify()
  }
}
