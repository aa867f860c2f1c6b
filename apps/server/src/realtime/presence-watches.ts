import type { Logger } from 'pino'
import type { NewId } from '../lib/ids.ts'
import type { Cluster } from './cluster.ts'
import type { EventHub } from './event-hub.ts'
import type { Presence } from './presence.ts'
import { signalItem, type WatchRequest } from './signals.ts'
import type { Subscription } from './subscription.ts'

interface Options {
  now: () => Date
  newId: NewId
  log: Logger
  events: EventHub
  presence: Presence
  cluster: Pick<Cluster, 'presence' | 'send'>
}

/** Lets open streams watch the presence of more users. */
export class PresenceWatches {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** @returns false if the stream is not on this server and the others cannot be asked. */
  add(request: WatchRequest): boolean {
    if (this.addHere(request)) return true
    const { cluster } = this.#options
    if (!cluster.presence) return false
    cluster.send({ watch: request })
    return true
  }

  /** @returns whether this server has the stream. */
  addHere(request: WatchRequest): boolean {
    const { events, log } = this.#options
    const stream = events.watch(request)
    if (!stream) return false
    this.sendStates(stream, request.watchedIds).catch((error: unknown) =>
      log.warn({ err: error }, 'sending a presence signal failed'),
    )
    return true
  }

  /** Sends the current presence of these users. */
  async sendStates(stream: Subscription, watchedIds: Iterable<string>): Promise<void> {
    const { presence, newId, now } = this.#options
    for (const userId of watchedIds) {
      const state = await presence.find(userId)
      const base = { id: newId(), type: 'presence.changed' as const, conversationId: null, at: now() }
      stream.push(signalItem({ to: { userIds: [stream.userId] }, event: { ...base, userId, ...state } }))
    }
  }
}
