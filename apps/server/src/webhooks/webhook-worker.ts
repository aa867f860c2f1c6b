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

/** How often the log and the deliveries are looked at without any hint, in milliseconds. */
const POLL_MS = 1_000
/** What happens within this time is looked at together, in milliseconds: each look costs the database a few questions. */
const GATHER_MS = 20
/** How soon another server takes over from one that has gone without a word, in milliseconds. */
const LEASE_MS = 15_000
/** How many requests a webhook's receiver has at once. There are few webhooks, which bounds all of them together. */
const CONCURRENCY = 8
/** A webhook with so many deliveries to be made gets no more: it goes on in the log when there are less. */
const MAX_WAITING = 100_000
/** How often they are counted anew, and how often old ones are deleted, in milliseconds. */
const COUNT_MS = 30_000
const PURGE_MS = 60_000
/** How long a stop waits for receivers that are being asked, in milliseconds. */
const STOP_MS = 1_000

interface Options extends Pick<Runtime, 'db' | 'now' | 'newId' | 'log'> {
  secretBox: SecretBox
  sender: HttpSender
  showConversation: ShowConversation
  metrics: Pick<Runtime['metrics'], 'webhookAttempted'>
}

/**
 * Tells webhooks of events: makes deliveries of the log, sends them, and tries again what failed.
 *
 * One server of all on a database does it. What it has in hand is in the database until the receiver has answered, so
 * whoever takes over sends it again: every event arrives at least once. Nothing of it is on the way of a request.
 */
export class WebhookWorker {
  readonly #options: Options
  readonly #lease: ServerLease
  readonly #stopping = new AbortController()
  readonly #lines = new Map<string, Line>()
  /** How many deliveries of each webhook are to be made; undefined while another server sees to them. */
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

  /** How many deliveries are to be made, as it was counted last; undefined while another server sees to them. */
  get waiting(): number | undefined {
    return this.#waiting && [...this.#waiting.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Begins to tell, and goes on until it is closed. */
  start(): void {
    this.#timer = setInterval(() => this.wake(), POLL_MS)
    this.#timer.unref()
    this.wake()
  }

  /** The log may have grown. */
  hint(): void {
    if (this.#waiting) this.#wakeSoon()
  }

  /** Looks for what is to be done now. */
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

  /** Stops. What a receiver has not answered soon is sent again by the next server. */
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

  /** @returns whether there is more to do at once. */
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

  /** Begins as many deliveries as the receiver may have at once, and does not wait for them. */
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
    // Read after them: what was said of the webhook before a delivery was made holds for that delivery.
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
      // As it is in the database, it is tried again by the next poll, or by the next server.
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

/** What a webhook's receiver is being sent, by the deliveries' ids. */
interface Line {
  readonly sending: Map<string, Promise<void>>
  /** What has ended since the due ones were last asked for: an answer that was under way still has them as due. */
  readonly ended: Set<string>
}

/** Whether so much time has passed. A clock that was set back says nothing, and counts as if it had. */
function isPast(sinceMs: number, ms: number, now: Date): boolean {
  const passed = now.getTime() - sinceMs
  return passed >= ms || passed < 0
}
