import { setTimeout as wait } from 'node:timers/promises'
import { store, type WebhookDeliveryRow, type WebhookRow } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { SecretBox } from '../identity/secret-box.ts'
import { ServerLease } from '../jobs/server-lease.ts'
import type { ShowConversation } from '../realtime/event-view.ts'
import { attemptDelivery } from './attempt.ts'
import { fanOut, leaveOldLog } from './fan-out.ts'
import type { HttpSender } from './http-sender.ts'
import { purgeDeliveries } from './purge-deliveries.ts'

/** The polling interval for the log and the deliveries without hints, in milliseconds. */
const POLL_MS = 1_000
/** How long hints are collected before a pass, in milliseconds: each pass costs a few queries. */
const GATHER_MS = 20
/** How soon another server takes over from one that crashed, in milliseconds. */
const LEASE_MS = 15_000
/** The maximum number of concurrent requests per webhook. The limit on webhooks bounds the total. */
const CONCURRENCY = 8
/** A webhook with this many waiting deliveries gets no more until there are fewer. */
const MAX_WAITING = 100_000
/** How often they are recounted, and how often old ones are deleted, in milliseconds. */
const COUNT_MS = 30_000
const PURGE_MS = 60_000
/** How long a stop waits for open requests, in milliseconds. */
const STOP_MS = 1_000

interface Options extends Pick<Runtime, 'db' | 'now' | 'newId' | 'log'> {
  secretBox: SecretBox
  sender: HttpSender
  showConversation: ShowConversation
  metrics: Pick<Runtime['metrics'], 'webhookAttempted'>
}

/**
 * Delivers events to webhooks: creates deliveries from the log, sends them, and retries failures.
 *
 * One server per database does it. A delivery stays in the database until the receiver has answered, and the next
 * server repeats it, so every event is delivered at least once. Requests never wait for it.
 */
export class WebhookWorker {
  readonly #options: Options
  readonly #lease: ServerLease
  readonly #stopping = new AbortController()
  readonly #lines = new Map<string, Line>()
  /** The number of waiting deliveries per webhook; undefined while another server sends them. */
  #waiting: Map<string, number> | undefined
  #countedAt = 0
  #purgedAt = 0
  #timer: NodeJS.Timeout | undefined
  #gathering: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #lookAgain = false
  #closing: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
    const { db, now, newId } = options
    this.#lease = new ServerLease({ db, now, newId, name: 'webhooks', durationMs: LEASE_MS })
  }

  /** The number of waiting deliveries at the last count; undefined while another server sends them. */
  get waiting(): number | undefined {
    return this.#waiting && [...this.#waiting.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Starts; runs until it is closed. */
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
    this.#lookAgain = true
    this.#working ??= this.#work()
  }

  #wakeSoon(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined
      this.wake()
    }, GATHER_MS)
  }

  /** Stops. The next server repeats deliveries that were not answered in time. */
  close(): Promise<void> {
    this.#closing ??= this.#stop()
    return this.#closing
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#gathering)
    await this.#working
    const sending = [...this.#lines.values()].flatMap((line) => [...line.sending.values()])
    const over = new AbortController()
    await Promise.race([
      Promise.all(sending),
      wait(STOP_MS, undefined, { signal: over.signal }).catch(() => {}),
    ])
    over.abort()
    this.#stopping.abort()
    await Promise.all(sending)
    this.#options.sender.close()
    await this.#lease.giveUp().catch(() => {})
  }

  async #work(): Promise<void> {
    try {
      while (this.#lookAgain && this.#closing === undefined) {
        this.#lookAgain = false
        if (await this.#pass()) this.#lookAgain = true
      }
    } catch (error) {
      // The next poll tries again.
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
    const { isMore, added } = await fanOut(
      { ...this.#options, lease: this.#lease },
      enabled.filter(({ id }) => (waiting.get(id) ?? 0) < MAX_WAITING),
    )
    for (const [id, count] of added) this.#noteWaiting(id, count)
    for (const webhook of enabled) await this.#send(webhook)
    return (await this.#purge(webhooks, now())) || isMore
  }

  async #lead(webhooks: readonly WebhookRow[]): Promise<boolean> {
    if (!(await this.#lease.hold())) {
      this.#waiting = undefined
      return false
    }
    if (this.#waiting) return true
    const { db } = this.#options
    await leaveOldLog(this.#options, await store.eventLog.findEpoch(db), webhooks)
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

  /** Starts as many deliveries as the limit per receiver allows, without waiting for them. */
  async #send({ id }: WebhookRow): Promise<void> {
    const { db, now } = this.#options
    const line = this.#lines.get(id) ?? { sending: new Map(), ended: new Set() }
    this.#lines.set(id, line)
    const { sending, ended } = line
    if (sending.size >= CONCURRENCY) return
    ended.clear()
    const due = await store.deliveries.listDue(db, id, now(), CONCURRENCY)
    const begin = due.filter((delivery) => !sending.has(delivery.id) && !ended.has(delivery.id))
    if (begin.length === 0) return
    // Read after the deliveries: a change to the webhook applies to deliveries created after it.
    const webhook = await store.webhooks.find(db, id)
    if (!webhook || webhook.disabled_at !== null) return
    for (const delivery of begin.slice(0, CONCURRENCY - sending.size)) {
      sending.set(delivery.id, this.#attempt(webhook, delivery, line))
    }
  }

  /** Never throws. */
  async #attempt(webhook: WebhookRow, delivery: WebhookDeliveryRow, line: Line): Promise<void> {
    const { log, metrics } = this.#options
    const startedAt = performance.now()
    try {
      const outcome = await attemptDelivery(this.#options, webhook, delivery, this.#stopping.signal)
      metrics.webhookAttempted(outcome, (performance.now() - startedAt) / 1_000)
      if (outcome !== 'retried') this.#noteWaiting(webhook.id, -1)
      line.ended.add(delivery.id)
      line.sending.delete(delivery.id)
      this.#wakeSoon()
    } catch (error) {
      line.sending.delete(delivery.id)
      // The delivery is still in the database: the next poll or the next server retries it.
      if (this.#closing === undefined)
        log.warn({ err: error, webhook: webhook.id }, 'webhook delivery could not be attempted, will retry')
    }
  }

  async #purge(webhooks: readonly WebhookRow[], now: Date): Promise<boolean> {
    if (!isPast(this.#purgedAt, PURGE_MS, now) && !webhooks.some((row) => row.deleted_at !== null))
      return false
    const isMore = await purgeDeliveries(this.#options.db, webhooks, now)
    if (!isMore) this.#purgedAt = now.getTime()
    return isMore
  }
}

/** The ids of deliveries being sent to a webhook. */
interface Line {
  readonly sending: Map<string, Promise<void>>
  /** Those that ended since the last query for due deliveries, whose result may still include them. */
  readonly ended: Set<string>
}

/** Whether this much time has passed. Also true after the clock was set back. */
function isPast(sinceMs: number, ms: number, now: Date): boolean {
  const passed = now.getTime() - sinceMs
  return passed >= ms || passed < 0
}
