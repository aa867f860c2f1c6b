import type { Executor, MessageRow } from '@sotto/db'
import type { Logger } from 'pino'
import type { Metrics } from '../metrics/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { decodeEventCursor, encodeEventCursor, type LogPoint } from './event-cursor.ts'
import { EventDispatcher } from './event-dispatcher.ts'
import type { LoadConversations } from './event-view.ts'
import { LogTail, type TailState } from './log-tail.ts'
import { Replay } from './replay.ts'
import type { WatchRequest } from './signals.ts'
import { StreamRegistry } from './stream-registry.ts'
import { type StreamHost, type StreamItem, Subscription } from './subscription.ts'
import { WriteTurns } from './write-turns.ts'

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  loadConversations: LoadConversations
  maxStreams: number
  /** How long events are kept, in milliseconds. */
  retentionMs: number
  /** Called when a user's first stream opens, and when their last one closes. */
  onPresence: (userId: string, isStreaming: boolean) => void
  /** Called when a message has been written to a stream of this user, and so counts as delivered. */
  onMessageWritten: (userId: string, message: MessageRow) => void
  metrics: Pick<Metrics, 'eventDelivered' | 'eventDispatched' | 'hintMissed'>
  tracing: Pick<Tracing, 'deliver'>
}

interface SubscribeOptions {
  userId: string
  conversationId?: string | undefined
  streamId?: string | undefined
  watched?: ReadonlySet<string> | undefined
  cursor?: string | undefined
  /** Called once, when the stream has ended. */
  onEnd?: (stream: Subscription) => void
}

/** Opens event streams. A stream replays missed events, then receives new ones from the log's tail. */
export class EventHub {
  readonly #options: Options
  readonly #streams: StreamRegistry
  readonly #tail: LogTail
  readonly #host: StreamHost

  constructor(options: Options) {
    this.#options = options
    const streams = new StreamRegistry({ ...options, onEmpty: () => this.#tail.wake() })
    const turns = new WriteTurns()
    const dispatcher = new EventDispatcher({ ...options, streams, turns })
    this.#streams = streams
    this.#tail = new LogTail({
      ...options,
      isNeeded: () => streams.count > 0,
      onStart: () => dispatcher.reset(),
      deliver: (batch) => options.tracing.deliver(batch.rows, () => dispatcher.dispatch(batch)),
    })
    this.#host = {
      turns,
      cursorNow: (userId) => encodeEventCursor(userId, this.#tail.end),
      onWritten(userId, { message }) {
        options.metrics.eventDelivered()
        if (message) options.onMessageWritten(userId, message)
      },
      onEnd: (stream) => streams.remove(stream),
    }
  }

  /** The number of streams that are open or opening. */
  get streamCount(): number {
    return this.#streams.count
  }

  /** Undefined while there are no streams, because the log is not read then. */
  get tailState(): Readonly<TailState> | undefined {
    return this.#tail.state
  }

  /** The log may have grown. */
  hint(): void {
    this.#tail.hint()
  }

  /**
   * Opens a stream of all events after the cursor, or from now on without one. There are no gaps or duplicates.
   *
   * @throws {SottoError} INVALID_CURSOR, RATE_LIMITED (too many streams of the user), UNAVAILABLE (too many in total)
   */
  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { userId, cursor } = options
    const from = cursor === undefined ? undefined : decodeEventCursor(userId, cursor)
    this.#streams.reserve(userId)
    try {
      await this.#tail.start()
      // No await from here on: the stream starts at the tail's current position.
      const stream = this.#createStream(options, from)
      this.#streams.add(stream)
      return stream
    } catch (error) {
      this.#streams.release()
      throw error
    }
  }

  /** Pushes a signal to these users' streams. */
  signal(userIds: Iterable<string>, item: StreamItem): void {
    for (const userId of userIds) this.#streams.push(userId, item)
  }

  /** Pushes a signal to the streams that watch this user. */
  signalWatchers(watchedId: string, item: StreamItem): void {
    this.#streams.pushToWatchers(watchedId, item)
  }

  /**
   * Adds users to those whose presence a stream receives.
   *
   * @returns the stream; undefined if this server does not have it
   */
  watch({ userId, streamId, watchedIds }: WatchRequest): Subscription | undefined {
    const stream = this.#streams.find(userId, streamId)
    if (stream) this.#streams.watch(stream, watchedIds)
    return stream
  }

  onlineUsers(): Iterable<string> {
    return this.#streams.userIds()
  }

  isOnline(userId: string): boolean {
    return this.#streams.has(userId)
  }

  async close(): Promise<void> {
    await Promise.all([this.#streams.close(), this.#tail.close()])
  }

  #createStream(
    { userId, conversationId, streamId, watched, cursor, onEnd }: SubscribeOptions,
    from: LogPoint | undefined,
  ): Subscription {
    const tail = this.#tail
    return new Subscription(this.#host, {
      userId,
      conversationId,
      streamId,
      watched,
      // A reader who resumes keeps their cursor until they have taken the missed events.
      cursor: cursor ?? this.#host.cursorNow(userId),
      replay: from && new Replay({ ...this.#options, tail }, { userId, conversationId, from }),
      onEnd,
    })
  }
}
