import { SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { StreamItem, Subscription } from './subscription.ts'

const MAX_STREAMS_PER_USER = 20
/** The maximum number of users a stream can watch. */
const MAX_WATCHED = 200

interface Options {
  db: Executor
  log: Logger
  /** The maximum number of open streams, over all users. */
  maxStreams: number
  /** Called when a user's first stream opens, and when their last one closes. */
  onPresence: (userId: string, isStreaming: boolean) => void
  /** Called when no stream is open or opening. */
  onEmpty: () => void
}

/** The streams of this server, by their user and by the users whose presence they watch. */
export class StreamRegistry {
  readonly #options: Options
  readonly #byUser = new Map<string, Set<Subscription>>()
  readonly #byWatchedUser = new Map<string, Set<Subscription>>()
  #count = 0
  #isClosed = false
  #watcherSignals = Promise.resolve()

  constructor(options: Options) {
    this.#options = options
  }

  /** The number of streams that are open or opening. */
  get count(): number {
    return this.#count
  }

  has(userId: string): boolean {
    return this.#byUser.has(userId)
  }

  userIds(): Iterable<string> {
    return this.#byUser.keys()
  }

  /**
   * Counts a stream that is opening. Must be followed by `add` or `release`.
   *
   * @throws {SottoError} RATE_LIMITED (too many streams of the user), UNAVAILABLE (too many in total, or closed)
   */
  reserve(userId: string): void {
    this.#requireOpen()
    if (this.#count >= this.#options.maxStreams) {
      throw new SottoError('UNAVAILABLE', {
        detail: `the server has reached its limit of ${this.#options.maxStreams} open streams`,
      })
    }
    this.#requireUserLimit(userId)
    this.#count++
  }

  /** Cancels a reservation. */
  release(): void {
    this.#count--
    if (this.#count === 0) this.#options.onEmpty()
  }

  /** @throws {SottoError} if since the reservation the registry was closed or the user's limit was reached. */
  add(stream: Subscription): void {
    this.#requireOpen()
    this.#requireUserLimit(stream.userId)
    for (const watchedId of stream.watched ?? []) addTo(this.#byWatchedUser, watchedId, stream)
    if (addTo(this.#byUser, stream.userId, stream)) this.#options.onPresence(stream.userId, true)
  }

  remove(stream: Subscription): void {
    this.release()
    for (const watchedId of stream.watched ?? []) removeFrom(this.#byWatchedUser, watchedId, stream)
    if (removeFrom(this.#byUser, stream.userId, stream)) this.#options.onPresence(stream.userId, false)
  }

  /** @returns the stream with the client's id, if this server has it. */
  find(userId: string, streamId: string): Subscription | undefined {
    for (const stream of this.#byUser.get(userId) ?? []) if (stream.streamId === streamId) return stream
    return undefined
  }

  /** From now on the stream receives the presence of these users, too. */
  watch(stream: Subscription, watchedIds: readonly string[]): void {
    stream.watched ??= new Set()
    const { watched } = stream
    for (const watchedId of watchedIds) {
      watched.delete(watchedId)
      watched.add(watchedId)
      addTo(this.#byWatchedUser, watchedId, stream)
    }
    for (const watchedId of watched) {
      if (watched.size <= MAX_WATCHED) break
      watched.delete(watchedId)
      removeFrom(this.#byWatchedUser, watchedId, stream)
    }
  }

  /** Pushes an item to all streams of a user. */
  push(userId: string, item: StreamItem): void {
    for (const stream of this.#byUser.get(userId) ?? []) stream.push(item)
  }

  /**
   * Pushes a signal to the streams that watch this user, except where since the stream opened one user has blocked the
   * other, or their last shared conversation has ended. Signals are pushed one at a time, so that they stay in order.
   */
  pushToWatchers(watchedId: string, item: StreamItem): void {
    if (!this.#byWatchedUser.has(watchedId)) return
    this.#watcherSignals = this.#watcherSignals
      .then(() => this.#pushToAllowedWatchers(watchedId, item))
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'sending a presence signal failed'))
  }

  /** Ends all streams and accepts no more. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const stream of [...this.#byUser.values()].flatMap((streams) => [...streams])) stream.end('stopping')
    await this.#watcherSignals
  }

  async #pushToAllowedWatchers(watchedId: string, item: StreamItem): Promise<void> {
    const streams = [...(this.#byWatchedUser.get(watchedId) ?? [])]
    const userIds = streams.map((stream) => stream.userId)
    const viewers = await store.relationships.findPresenceViewers(this.#options.db, watchedId, userIds)
    for (const stream of streams) {
      if (stream.userId === watchedId || viewers.has(stream.userId)) stream.push(item)
    }
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new SottoError('UNAVAILABLE', { detail: 'the server is stopping' })
  }

  #requireUserLimit(userId: string): void {
    if ((this.#byUser.get(userId)?.size ?? 0) < MAX_STREAMS_PER_USER) return
    throw new SottoError('RATE_LIMITED', {
      detail: `a user can have at most ${MAX_STREAMS_PER_USER} open streams`,
    })
  }
}

/** @returns whether it is the first value of its key. */
function addTo<Value>(map: Map<string, Set<Value>>, key: string, value: Value): boolean {
  const values = map.get(key)
  if (values) {
    values.add(value)
    return false
  }
  map.set(key, new Set([value]))
  return true
}

/** @returns whether it was the last value of its key. */
function removeFrom<Value>(map: Map<string, Set<Value>>, key: string, value: Value): boolean {
  const values = map.get(key)
  if (!values?.delete(value) || values.size > 0) return false
  map.delete(key)
  return true
}
