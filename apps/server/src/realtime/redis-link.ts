import { randomUUID } from 'node:crypto'
import { createClient, defineScript } from '@redis/client'
import type { Logger } from 'pino'
import { isBelievable } from '../lib/clock.ts'
import type { Charge } from '../limits/buckets.ts'
import { type SharedBuckets, takeScript } from '../limits/shared-buckets.ts'
import type { PresenceState, SharedPresence } from './presence.ts'
import { type ClusterMessage, decodeMessage, encodeMessage } from './signals.ts'

const HINTS = 'sotto:hints'
const SIGNALS = 'sotto:signals'
const onlineKey = (userId: string) => `sotto:online:${userId}`
const seenKey = (userId: string) => `sotto:seen:${userId}`

/** How often a server reports its online users again, and how long a report is valid, in milliseconds. */
const REFRESH_MS = 10_000
const ONLINE_MS = 30_000
/**
 * How often connections are pinged, in milliseconds. A connection that does not respond is reopened. The client's own
 * timeout counts outgoing data as activity, so it would take minutes to notice a broken connection.
 */
const PING_MS = 5_000
/** The timeout of a command in milliseconds, and the maximum number of queued commands, before Redis counts as down. */
const COMMAND_MS = 1_000
const MAX_COMMANDS = 1_000
/**
 * How long a request waits for Redis to charge its rate limit, and how long after a timeout this server charges limits
 * locally, in milliseconds.
 */
const CHARGE_MS = 100
const LOCAL_CHARGE_MS = 1_000
const SEEN_SECONDS = 30 * 24 * 60 * 60
/** Hints within this time are combined, in milliseconds. */
const HINT_PAUSE_MS = 5

interface Options {
  url: string
  log: Logger
  /** A clock on which the servers agree. */
  now: () => Date
  onHint: () => void
  onHintSent: () => void
  onMessage: (message: ClusterMessage) => void
  streamingUsers: () => Iterable<string>
}

/** The part that the two clients have in common: only one has scripts. */
interface Connection {
  readonly isReady: boolean
  ping(): Promise<unknown>
  destroy(): void
  connect(): Promise<unknown>
}

/**
 * Shares hints, signals, presence and the usage of rate limits between servers, through Redis or Valkey.
 *
 * Reconnects automatically. In the meantime events arrive with the next poll, signals stay on their server, and each
 * server charges rate limits locally.
 */
export class RedisLink implements SharedPresence, SharedBuckets {
  readonly #options: Options
  readonly #serverId = randomUUID()
  readonly #client
  readonly #subscriber
  readonly #refresh: NodeJS.Timeout
  readonly #pings: NodeJS.Timeout
  #hintTimer: NodeJS.Timeout | undefined
  /** Set if there was a hint during the pause: readers may have read the log before its events were written. */
  #hintAgain = false
  #isDown = false
  #isClosed = false
  #chargesLocallyUntil = 0

  constructor(options: Options) {
    this.#options = options
    // While the connection is down, commands fail immediately: once it is back they would be outdated.
    const common = { url: options.url }
    this.#client = createClient({
      ...common,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_COMMANDS,
      scripts: { takeCharges: defineScript(takeScript) },
    })
    this.#subscriber = createClient(common)
    for (const client of [this.#client, this.#subscriber]) {
      client.on('error', (error: unknown) => this.#reportDown(error))
      client.on('ready', () => {
        this.#isDown = false
        // Hints may have been missed.
        options.onHint()
      })
      client.connect().catch((error: unknown) => this.#reportDown(error))
    }
    void this.#subscribe()
    this.#pings = setInterval(() => void this.#ping(), PING_MS)
    this.#pings.unref()
    this.#refresh = setInterval(() => void this.#refreshOnline(), REFRESH_MS)
    this.#refresh.unref()
  }

  hint(): void {
    if (this.#hintTimer) {
      this.#hintAgain = true
      return
    }
    void this.#publish(HINTS, this.#serverId).then((isSent) => isSent && this.#options.onHintSent())
    this.#hintTimer = setTimeout(() => {
      this.#hintTimer = undefined
      if (!this.#hintAgain) return
      this.#hintAgain = false
      this.hint()
    }, HINT_PAUSE_MS)
  }

  send(message: ClusterMessage): void {
    void this.#publish(SIGNALS, `${this.#serverId} ${encodeMessage(message)}`)
  }

  async setOnline(userId: string): Promise<void> {
    await this.#attempt(
      this.#client
        .multi()
        .hSet(onlineKey(userId), this.#serverId, String(this.#options.now().getTime() + ONLINE_MS))
        .pExpire(onlineKey(userId), ONLINE_MS)
        .exec(),
    )
  }

  async setOffline(userId: string, at: Date): Promise<void> {
    await this.#attempt(
      this.#client
        .multi()
        .hDel(onlineKey(userId), this.#serverId)
        .set(seenKey(userId), String(at.getTime()), { expiration: { type: 'EX', value: SEEN_SECONDS } })
        .exec(),
    )
  }

  async find(userId: string): Promise<PresenceState> {
    const [servers, seen] = (await this.#attempt(
      Promise.all([this.#client.hGetAll(onlineKey(userId)), this.#client.get(seenKey(userId))]),
    )) ?? [{}, null]
    const now = this.#options.now()
    const online = Object.entries(servers).some(
      ([id, until]) =>
        id !== this.#serverId &&
        Number(until) > now.getTime() &&
        isBelievable(new Date(Number(until)), now, ONLINE_MS),
    )
    return { online, lastSeenAt: online || seen === null ? null : new Date(Number(seen)) }
  }

  async forget(userId: string): Promise<void> {
    await this.#attempt(this.#client.del([onlineKey(userId), seenKey(userId)]))
  }

  async take(charges: readonly Charge[]): Promise<readonly number[] | undefined> {
    if (performance.now() < this.#chargesLocallyUntil) return undefined
    const owed = await this.#attempt(this.#client.takeCharges(charges), CHARGE_MS)
    if (!owed) this.#chargesLocallyUntil = performance.now() + LOCAL_CHARGE_MS
    return owed
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#refresh)
    clearInterval(this.#pings)
    clearTimeout(this.#hintTimer)
    this.#client.destroy()
    this.#subscriber.destroy()
  }

  async #subscribe(): Promise<void> {
    const { onHint, onMessage } = this.#options
    // Waits until the connection is open, without a timeout. The client resubscribes after a reconnect.
    await this.#subscriber
      .subscribe([HINTS, SIGNALS], (message, channel) => {
        const space = message.indexOf(' ')
        const from = space < 0 ? message : message.slice(0, space)
        if (from === this.#serverId) return
        if (channel === HINTS) {
          onHint()
          return
        }
        const decoded = decodeMessage(message.slice(space + 1))
        if (decoded) onMessage(decoded)
      })
      .catch((error: unknown) => this.#reportDown(error))
  }

  async #ping(): Promise<void> {
    await Promise.all([this.#client, this.#subscriber].map((client) => this.#reopenUnlessAlive(client)))
  }

  /** Also reopens half-open connections, which do not respond. */
  async #reopenUnlessAlive(client: Connection): Promise<void> {
    if (client.isReady && (await this.#attempt(client.ping())) !== undefined) return
    if (this.#isClosed) return
    client.destroy()
    // Pending commands fail. Connecting restores subscriptions.
    client.connect().catch((error: unknown) => this.#reportDown(error))
  }

  async #refreshOnline(): Promise<void> {
    for (const userId of this.#options.streamingUsers()) void this.setOnline(userId)
  }

  /** @returns whether Redis accepted it. */
  async #publish(channel: string, message: string): Promise<boolean> {
    return (await this.#attempt(this.#client.publish(channel, message))) !== undefined
  }

  /** @returns undefined if the command fails or times out. */
  async #attempt<T>(reply: Promise<T>, timeoutMs = COMMAND_MS): Promise<T | undefined> {
    const { promise: timeout, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error('timed out')), timeoutMs)
    try {
      const value = await Promise.race([reply, timeout])
      this.#isDown = false
      return value
    } catch (error) {
      this.#reportDown(error)
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  /** Logs only the first failure until Redis is reachable again. */
  #reportDown(error: unknown): void {
    if (this.#isDown) return
    this.#isDown = true
    this.#options.log.warn(
      { err: error },
      'Redis is not reachable, will retry: this server polls for events, and keeps signals and rate limits to itself',
    )
  }
}
