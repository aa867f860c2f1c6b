import { foldUserRef } from '@sotto/contract'
import type { RequestUser } from '../connection.ts'
import type { EventSource } from '../events.ts'
import type { Resources } from '../resources.ts'
import type { Drafts, DraftsOptions } from './drafts.ts'
import { MemoryDrafts } from './drafts.ts'
import { LiveConversation } from './live-conversation.ts'
import { createLiveHub } from './live-hub.ts'
import type { InboxOptions } from './live-inbox.ts'
import { LiveInbox } from './live-inbox.ts'
import { LivePresence } from './live-presence.ts'
import type { ConversationTarget, LiveOptions, LiveSource } from './live-state.ts'

/** What views need of the client they are made with. */
export interface ViewSource {
  user: RequestUser
  calls: Resources
  /** Calls for the user that the function returns for each of them. */
  callsFor: (userOf: () => Promise<RequestUser>) => Resources
  /** The same for streams: the user of each connection. */
  streamFor: (userOf: () => Promise<RequestUser>) => EventSource
}

/** Opens the live views of one client. */
export class LiveViews {
  /** Kept per user, so that clients created by `as` for the same user share a stream. */
  readonly #sources = new Map<string, LiveSource>()

  conversation(
    source: ViewSource,
    target: ConversationTarget,
    options: LiveOptions,
    createDrafts: (options: DraftsOptions) => Drafts = () => new MemoryDrafts(),
  ): LiveConversation {
    return new LiveConversation(target, this.#liveSource(source), options, createDrafts)
  }

  inbox(source: ViewSource, options: InboxOptions): LiveInbox {
    return new LiveInbox(this.#liveSource(source), options)
  }

  presence(source: ViewSource, userId: string): LivePresence {
    return new LivePresence(userId, this.#liveSource(source).hub)
  }

  /** What views share while any of them is open. They belong to one user, even if another one signs in. */
  #liveSource({ user, calls, callsFor, streamFor }: ViewSource): LiveSource {
    const { actAs, expectedUser } = user
    const key = JSON.stringify([actAs, expectedUser])
    const open = this.#sources.get(key)
    if (open) return open
    const me = remembered(async () => expectedUser ?? (await calls.users.me()).id)
    const userOf = async () => (actAs === undefined ? { expectedUser: await me() } : user)
    const source: LiveSource = {
      calls: callsFor(userOf),
      hub: createLiveHub(streamFor(userOf), () => this.#sources.delete(key)),
      actAs,
      user: expectedUser ?? (actAs === undefined ? undefined : foldUserRef(actAs)),
      me,
    }
    this.#sources.set(key, source)
    return source
  }
}

/** Calls the function once, and again after a failure. */
function remembered<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let loading: Promise<Value> | undefined
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
}
