import { randomUUID } from 'node:crypto'
import { createClient, defineScript } from '@redis/client'
import type { Logger } from 'pino'
import type { Charge } from '../limits/buckets.ts'
import { type SharedBuckets, takeScript } from '../limits/shared-buckets.ts'
import type { PresenceState, SharedPresence } from './presence.ts'
import { decodeSignal, encodeSignal, type Signal } from './signals.ts'

const HINTS = 'sotto:hints'
const SIGNALS = 'sotto:signals'
const onlineKey = (userId: string) => `sotto:online:${userId}`
const seenKey = (userId: string) => `sotto:seen:${userId}`

/** How often a server says again who streams from it, and for how long that counts, in milliseconds. */
const REFRESH_MS = 10_000
const ONLINE_MS = 30_000
/**
 * How often a connection is asked whether it lives, in milliseconds. One that does not answer is made again: the
 * client's own timeout counts what it sends as a sign of life, and a cut line takes that for minutes.
 */
const PING_MS = 5_000
/** How long an answer is waited for, and how many may be waited for, before Redis counts as away. */
const ANSWER_MS = 1_000
const MAX_COMMANDS = 1_000
/**
 * How long a request waits to be counted, in milliseconds, and how long none does after one that waited in vain: the
 * server then counts alone.
 */
const COUNT_MS = 100
const COUNT_ALONE_MS = 1_000
const SEEN_SECONDS = 30 * 24 * 60 * 60
/** Many hints within this time are one. */
const HINT_PAUSE_MS = 5

interface Options {
  url: string
  log: Logger
  onHint: () => void
  onHintSent: () => void
  onSignal: (signal: Signal) => void
  streamingUsers: () => Iterable<string>
}

/** What the two clients, of which one has scripts, have in common here. */
interface Connection {
  readonly isReady: boolean
  ping(): Promise<unknown>
  destroy(): void
  connect(): Promise<unknown>
}

/**
 * What servers tell each other through Redis or Valkey: that the log has grown, signals, who is online,
 * and what callers have used up of their limits.
 *
 * Nothing depends on it: without it hints are late by the poll's time, signals stay on their server, and
 * each server counts callers' requests by itself. It connects again by itself.
 */
export class RedisLink implements SharedPresence, SharedBuckets {
  readonly #options: Options
  readonly #serverId = randomUUID()
  readonly #client
  readonly #subscriber
  readonly #refresh: NodeJS.Timeout
  readonly #pings: NodeJS.Timeout
  #hintTimer: NodeJS.Timeout | undefined
  /** Something came in the pause, which the hint before it may not have been in time for. */
  #hintAgain = false
  #isDown = false
  #isClosed = false
  #countsAloneUntil = 0

  constructor(options: Options) {
    this.#options = options
    // Commands fail at once while the connection is away: what they would say is stale by the time it is back.
    const common = { url: options.url }
    this.#client = createClient({
      ...common,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_COMMANDS,
      scripts: { takeCharges: defineScript(takeScript) },
    })
    this.#subscriber = createClient(common)
    for (const client of [this.#client, this.#subscriber]) {
      client.on('error', (error: unknown) => this.#down(error))
      client.on('ready', () => {
        this.#isDown = false
        // What was said meanwhile.
        options.onHint()
      })
      client.connect().catch((error: unknown) => this.#down(error))
    }
    void this.#subscribe()
    this.#pings = setInterval(() => void this.#ping(), PING_MS)
    this.#pings.unref()
    this.#refresh = setInterval(() => void this.#sayWhoIsOnline(), REFRESH_MS)
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

  signal(signal: Signal): void {
    void this.#publish(SIGNALS, `${this.#serverId} ${encodeSignal(signal)}`)
  }

  async setOnline(userId: string): Promise<void> {
    await this.#quietly(
      this.#client
        .multi()
        .hSet(onlineKey(userId), this.#serverId, String(Date.now() + ONLINE_MS))
        .pExpire(onlineKey(userId), ONLINE_MS)
        .exec(),
    )
  }

  async setOffline(userId: string, at: Date): Promise<void> {
    await this.#quietly(
      this.#client
        .multi()
        .hDel(onlineKey(userId), this.#serverId)
        .set(seenKey(userId), String(at.getTime()), { expiration: { type: 'EX', value: SEEN_SECONDS } })
        .exec(),
    )
  }

  async find(userId: string): Promise<PresenceState> {
    const [servers, seen] = (await this.#quietly(
      Promise.all([this.#client.hGetAll(onlineKey(userId)), this.#client.get(seenKey(userId))]),
    )) ?? [{}, null]
    const now = Date.now()
    const online = Object.entries(servers).some(([id, until]) => id !== this.#serverId && Number(until) > now)
    return { online, lastSeenAt: online || seen === null ? null : new Date(Number(seen)) }
  }

  async forget(userId: string): Promise<void> {
    await this.#quietly(this.#client.del([onlineKey(userId), seenKey(userId)]))
  }

  async take(charges: readonly Charge[]): Promise<readonly number[] | undefined> {
    if (performance.now() < this.#countsAloneUntil) return undefined
    const owed = await this.#quietly(this.#client.takeCharges(charges), COUNT_MS)
    if (!owed) this.#countsAloneUntil = performance.now() + COUNT_ALONE_MS
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
    const { onHint, onSignal } = this.#options
    // Until the connection is there, however long that takes; it is subscribed again by itself afterwards.
    await this.#subscriber
      .subscribe([HINTS, SIGNALS], (message, channel) => {
        const space = message.indexOf(' ')
        const from = space < 0 ? message : message.slice(0, space)
        if (from === this.#serverId) return
        if (channel === HINTS) {
          onHint()
          return
        }
        const signal = decodeSignal(message.slice(space + 1))
        if (signal) onSignal(signal)
      })
      .catch((error: unknown) => this.#down(error))
  }

  async #ping(): Promise<void> {
    await Promise.all([this.#client, this.#subscriber].map((client) => this.#requireAnswer(client)))
  }

  /** A connection that is only half made, of which the other side has not heard, does not answer either. */
  async #requireAnswer(client: Connection): Promise<void> {
    if (client.isReady && (await this.#quietly(client.ping())) !== undefined) return
    if (this.#isClosed) return
    client.destroy()
    // Commands that wait are given up with it; what it is subscribed to comes back with it.
    client.connect().catch((error: unknown) => this.#down(error))
  }

  async #sayWhoIsOnline(): Promise<void> {
    for (const userId of this.#options.streamingUsers()) void this.setOnline(userId)
  }

  /** @returns whether Redis has it. */
  async #publish(channel: string, message: string): Promise<boolean> {
    return (await this.#quietly(this.#client.publish(channel, message))) !== undefined
  }

  async #quietly<T>(answer: Promise<T>, waitMs = ANSWER_MS): Promise<T | undefined> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error('no answer in time')), waitMs)
    try {
      const value = await Promise.race([answer, late])
      this.#isDown = false
      return value
    } catch (error) {
      this.#down(error)
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  /** Said once, not at each command. */
  #down(error: unknown): void {
    if (this.#isDown) return
    this.#isDown = true
    this.#options.log.warn(
      { err: error },
      'Redis is not reached: hints are late, signals stay on this server, limits hold for it alone',
    )
  }
}
