import type { EventSource } from '../events.ts'
import { LiveConversation } from './live-conversation.ts'
import type { LiveHub } from './live-hub.ts'
import { createLiveHub } from './live-hub.ts'
import type { InboxOptions } from './live-inbox.ts'
import { LiveInbox } from './live-inbox.ts'
import { LivePresence } from './live-presence.ts'
import type { ConversationTarget, LiveOptions, LiveSource } from './live-state.ts'

/** What views need of the user they are made for. */
export interface ViewSource extends Omit<LiveSource, 'hub'> {
  stream: EventSource
}

/** Opens the live views of one client. */
export class LiveViews {
  /** Kept per user, so that clients created by `as` for the same user share a stream. */
  readonly #hubs = new Map<string | undefined, LiveHub>()

  conversation(source: ViewSource, target: ConversationTarget, options: LiveOptions): LiveConversation {
    return new LiveConversation(target, this.#liveSource(source), options)
  }

  inbox(source: ViewSource, options: InboxOptions): LiveInbox {
    return new LiveInbox(this.#liveSource(source), options)
  }

  presence(source: ViewSource, userId: string): LivePresence {
    return new LivePresence(userId, this.#liveSource(source).hub)
  }

  #liveSource({ calls, actAs, stream }: ViewSource): LiveSource {
    const join: LiveHub['join'] = (listener) => {
      const hub = this.#hubs.get(actAs) ?? createLiveHub(stream, () => this.#hubs.delete(actAs))
      this.#hubs.set(actAs, hub)
      return hub.join(listener)
    }
    return { calls, hub: { join }, actAs }
  }
}
