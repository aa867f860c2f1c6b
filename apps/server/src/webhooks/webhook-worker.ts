import { setTimeout as wait } from 'node:timers/promises'
import { LogReader, store, type WebhookDeliveryRow, type WebhookRow } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { SecretBox } from '../identity/secret-box.ts'
import { ServerLease } from '../jobs/server-lease.ts'
import type { LoadConversations } from '../realtime/event-view.ts'
import { attemptDelivery } from './attempt.ts'
import { fanOut, skipToCurrentEpoch } from './fan-out.ts'
import type { HttpSender } from './http-sender.ts'
import { purgeDeliveries } from './purge-deliveries.ts'

/** The polling interval for the log and the deliveries without hints, in milliseconds. */
const POLL_MS = 1_000
/** How long hints are collected before a pass, in milliseconds: each pass costs a few queries. */
const HINT_DELAY_MS = 20
/** How soon another server takes over from one that crashed, in milliseconds. */
const LEASE_MS = 15_000
/** The maximum number of concurrent requests per webhook. The limit on webhooks bounds the total. */
const CONCURRENCY = 8
/** A webhook with this many waiting deliveries gets no new ones until there are fewer. */
const MAX_WAITING = 100_000
/** How often waiting deliveries are recounted, and how often old ones are deleted, in milliseconds. */
const COUNT_MS = 30_000
const PURGE_MS = 60_000
/** How long closing waits for open requests, in milliseconds. */
const CLOSE_MS = 1_000

interface Options extends Pick<Runtime, 'db' | 'now' | 'newId' | 'log'> {
  secretBox: SecretBox
  sender: HttpSender
  loadConversations: LoadConversations
  metrics: Pick<Runtime['metrics'], 'webhookAttempted'>
}

/**
 * Delivers events to webhooks: creates deliveries from the log, sends them, and retries failures. Runs in the
 * background, on one server per database at a time.
 *
 * Delivers every event at least once: a delivery stays pending until the receiver has responded, and the next server
 * sends it again if this one stops in between.
 */
export class WebhookWorker {
  readonly #options: Options
  readonly #lease: ServerLease
  readonly #reader: LogReader
  readonly #stopping = new AbortController()
  readonly #requestsByWebhook = new Map<string, Requests>()
  /** The number of waiting deliveries per webhook; undefined while another server sends them. */
  #waiting: Map<string, number> | undefined
  #countedAt = 0
  #purgedAt = 0
  #timer: NodeJS.Timeout | undefined
  #hintTimer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #runAgain = false
  #closing: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
    const { db, now, newId } = options
    this.#reader = new LogReader(db)
    this.#lease = new ServerLease({ db, now, newId, name: 'webhooks', durationMs: LEASE_MS })
  }

  /** The number of waiting deliveries at the last count; undefined while another server sends them. */
  get waiting(): number | undefined {
    return this.#waiting && [...this.#waiting.values()].reduce((sum, count) => sum + count, 0)
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), POLL_MS)
    this.#timer.unref()
    this.wake()
  }

  /** The log may have grown. */
  hint(): void {
    if (this.#waiting) this.#wakeSoon()
  }

  /** Starts a pass. */
  wake(): void {
    if (!this.#timer || this.#closing !== undefined) return
    this.#runAgain = true
    this.#working ??= this.#work()
  }

  #wakeSoon(): void {
    this.#hintTimer ??= setTimeout(() => {
      this.#hintTimer = undefined
      this.wake()
    }, HINT_DELAY_MS)
  }

  /** Aborts requests without a response after a second. The next server sends these deliveries again. */
  close(): Promise<void> {
    this.#closing ??= this.#stop()
    return this.#closing
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#hintTimer)
    await this.#working
    const sending = [...this.#requestsByWebhook.values()].flatMap((requests) => [
      ...requests.sending.values(),
    ])
    const timer = new AbortController()
    await Promise.race([
      Promise.all(sending),
      wait(CLOSE_MS, undefined, { signal: timer.signal }).catch(() => {}),
    ])
    timer.abort()
    this.#stopping.abort()
    await Promise.all(sending)
    this.#options.sender.close()
    await this.#lease.giveUp().catch(() => {})
  }

  async #work(): Promise<void> {
    try {
      while (this.#runAgain && this.#closing === undefined) {
        this.#runAgain = false
        if (await this.#pass()) this.#runAgain = true
      }
    } catch (error) {
      // The next poll retries.
      this.#options.log.warn({ err: error }, 'webhook worker pass failed, will retry')
    } finally {
      this.#working = undefined
    }
  }

  /** @returns whether there is more to do immediately. */
  async #pass(): Promise<boolean> {
    const { db, now } = this.#options
    const webhooks = await store.webhooks.listAll(db)
    if (webhooks.length === 0) {
      await this.#lease.giveUp()
      this.#waiting = undefined
      return false
    }
    if (!(await this.#lead(webhooks))) return false
    const enabled = webhooks.filter((row) => row.disabled_at === null && row.deleted_at === null)
    const waiting = await this.#countWaiting(enabled)
    const { hasMore, added } = await fanOut(
      { ...this.#options, lease: this.#lease, reader: this.#reader },
      enabled.filter(({ id }) => (waiting.get(id) ?? 0) < MAX_WAITING),
    )
    for (const [id, count] of added) this.#noteWaiting(id, count)
    for (const webhook of enabled) await this.#send(webhook)
    return (await this.#purge(webhooks, now())) || hasMore
  }

  async #lead(webhooks: readonly WebhookRow[]): Promise<boolean> {
    if (!(await this.#lease.hold())) {
      this.#waiting = undefined
      return false
    }
    if (this.#waiting) return true
    const { db } = this.#options
    await skipToCurrentEpoch(this.#options, await store.eventLog.findEpoch(db), webhooks)
    this.#countedAt = 0
    this.#waiting = new Map()
    return true
  }

  async #countWaiting(webhooks: readonly WebhookRow[]): Promise<ReadonlyMap<string, number>> {
    const { db, now } = this.#options
    const known = this.#waiting ?? new Map<string, number>()
    if (!isPast(this.#countedAt, COUNT_MS, now())) return known
    known.clear()
    for (const { id } of webhooks) known.set(id, await store.deliveries.countWaiting(db, id, MAX_WAITING))
    this.#countedAt = now().getTime()
    return known
  }

  #noteWaiting(webhookId: string, change: number): void {
    this.#waiting?.set(webhookId, Math.max(0, (this.#waiting.get(webhookId) ?? 0) + change))
  }

  /** Starts as many due deliveries as the limit per webhook allows, without waiting for them. */
  async #send({ id }: WebhookRow): Promise<void> {
    const { db, now } = this.#options
    const requests = this.#requestsByWebhook.get(id) ?? { sending: new Map(), ended: new Set() }
    this.#requestsByWebhook.set(id, requests)
    const { sending, ended } = requests
    if (sending.size >= CONCURRENCY) return
    ended.clear()
    const due = await store.deliveries.listDue(db, id, now(), CONCURRENCY)
    const ready = due.filter((delivery) => !sending.has(delivery.id) && !ended.has(delivery.id))
    if (ready.length === 0) return
    // Read after the deliveries: a change to the webhook applies to deliveries created after it.
    const webhook = await store.webhooks.find(db, id)
    if (!webhook || webhook.disabled_at !== null) return
    for (const delivery of ready.slice(0, CONCURRENCY - sending.size)) {
      sending.set(delivery.id, this.#attempt(webhook, delivery, requests))
    }
  }

  /** Never throws. */
  async #attempt(webhook: WebhookRow, delivery: WebhookDeliveryRow, requests: Requests): Promise<void> {
    const { log, metrics } = this.#options
    const startedAt = performance.now()
    try {
      const outcome = await attemptDelivery(this.#options, webhook, delivery, this.#stopping.signal)
      metrics.webhookAttempted(outcome, (performance.now() - startedAt) / 1_000)
      if (outcome !== 'retried') this.#noteWaiting(webhook.id, -1)
      requests.ended.add(delivery.id)
      requests.sending.delete(delivery.id)
      this.#wakeSoon()
    } catch (error) {
      requests.sending.delete(delivery.id)
      // The delivery is still pending: the next poll or the next server retries it.
      if (this.#closing === undefined)
        log.warn({ err: error, webhook: webhook.id }, 'webhook delivery could not be attempted, will retry')
    }
  }

  async #purge(webhooks: readonly WebhookRow[], now: Date): Promise<boolean> {
    if (!isPast(this.#purgedAt, PURGE_MS, now) && !webhooks.some((row) => row.deleted_at !== null))
      return false
    const hasMore = await purgeDeliveries(this.#options.db, webhooks, now)
    if (!hasMore) this.#purgedAt = now.getTime()
    return hasMore
  }
}

/** The requests to one webhook, by delivery id. */
interface Requests {
  readonly sending: Map<string, Promise<void>>
  /** Ended since the last query for due deliveries, whose result may still include them. */
  readonly ended: Set<string>
}

/** Whether this much time has passed. Also true after the clock was set back. */
function isPast(sinceMs: number, ms: number, now: Date): boolean {
  const passed = now.getTime() - sinceMs
  return passed >= ms || passed < 0
}
