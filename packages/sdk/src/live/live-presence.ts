import type { StreamStatus } from '../events.ts'
import { ChangeSignal } from './change-signal.ts'
import type { LiveHub } from './live-hub.ts'

/** Whether a user is online: whoever has a stream open. */
export interface PresenceState {
  readonly online: boolean
  /** Null while online, and where it is not known. */
  readonly lastSeenAt: Date | null
}

/**
 * Whether a user is online, kept up to date until `close()`. `state` is undefined while that is not known, and stays
 * so for users with whom one shares no conversation, or one of the two has blocked the other.
 */
export class LivePresence {
  readonly #changes = new ChangeSignal()
  readonly #leave: () => void
  #state: PresenceState | undefined

  constructor(userId: string, hub: LiveHub) {
    this.#leave = hub.join({
      watch: userId,
      onEvent: (event) => {
        if (event.type === 'presence.changed')
          this.#set({ online: event.online, lastSeenAt: event.lastSeenAt })
      },
      // Who is offline oneself does not see how others are; the stream tells it anew when it is back.
      onStatus: (status: StreamStatus) => {
        if (status === 'reconnecting') this.#set(undefined)
      },
      onFailure: () => this.#set(undefined),
    })
  }

  get state(): PresenceState | undefined {
    return this.#state
  }

  /** `state`, as a function: for `useSyncExternalStore(presence.subscribe, presence.getSnapshot)` and its like. */
  readonly getSnapshot = (): PresenceState | undefined => this.#state

  /** Calls the listener soon after each change. @returns what ends that. */
  readonly subscribe = (listener: () => void): (() => void) => this.#changes.listen(listener)

  close(): void {
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
