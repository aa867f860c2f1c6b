import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { PoolLoad } from '@sotto/db'
import type { App } from '../app/app.ts'
import type { BusinessEvents } from './business-events.ts'
import type { EndReason, FinishedCall, Metrics, Transport, WebhookOutcome } from './metrics.ts'

/** From a SQLite read to a request that times out, in seconds. */
const CALL_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** From the latency of a hint to the longest time that a transaction of ours can hold up the log, in seconds. */
const DELAY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60]
/** Up to the maximum number of transactions that can share a commit. */
const GROUP_BUCKETS = [1, 2, 4, 8, 16, 32, 64]

/** Shared by all servers in a process: the collectors observe the whole process and are never released. */
const processRegistry = new Registry()
collectDefaultMetrics({ register: processRegistry })

/** The parts whose values are read on demand. */
interface Sources {
  app: Pick<App, 'events' | 'identity' | 'sends' | 'deliveryMarks' | 'webhooks'>
  poolLoad: () => PoolLoad | undefined
}

/** Keeps metrics for Prometheus. docs/metrics.md documents their names. */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry()
  readonly #requests = this.#counter('sotto_requests_total', 'Calls answered.', [
    'operation',
    'transport',
    'code',
  ])
  readonly #durations = this.#histogram(
    'sotto_request_duration_seconds',
    'Duration of calls that reached their operation; for streams, until open.',
    CALL_BUCKETS,
    ['operation', 'transport'],
  )
  readonly #sends = this.#counter('sotto_messages_sent_total', 'Messages stored.')
  readonly #streams = this.#gauge('sotto_streams_open', 'Open event streams.', ['transport'])
  readonly #endedStreams = this.#counter('sotto_streams_ended_total', 'Event streams ended.', [
    'transport',
    'reason',
  ])
  readonly #taken = this.#counter('sotto_stream_events_total', 'Events and signals delivered to streams.')
  readonly #delays = this.#histogram(
    'sotto_log_delay_seconds',
    'Time from writing an event until passing it to the streams.',
    DELAY_BUCKETS,
  )
  readonly #hintsSent = this.#counter('sotto_hints_sent_total', 'Hints sent to other servers.')
  readonly #hintsReceived = this.#counter('sotto_hints_received_total', 'Hints received from other servers.')
  readonly #hintsMissed = this.#counter('sotto_hints_missed_total', 'Polls that found events without a hint.')
  readonly #limited = this.#counter('sotto_rate_limited_total', 'Calls rejected by a rate limit.', ['policy'])
  readonly #listReads = this.#counter(
    'sotto_list_reads_total',
    'Lists read from the replica or the primary; only with a replica.',
    ['place'],
  )
  readonly #commits = this.#histogram(
    'sotto_sqlite_commit_transactions',
    'Transactions per SQLite commit.',
    GROUP_BUCKETS,
  )

  readonly #webhookAttempts = this.#counter('sotto_webhook_attempts_total', 'Webhook delivery attempts.', [
    'outcome',
  ])
  readonly #webhookDurations = this.#histogram(
    'sotto_webhook_attempt_duration_seconds',
    'Duration of webhook delivery attempts.',
    CALL_BUCKETS,
  )

  readonly #business = this.#counter('sotto_business_events_total', 'Business events.', ['event'])

  callFinished({ operation, transport, code, seconds }: FinishedCall): void {
    this.#requests.inc({ operation, transport, code })
    if (seconds !== undefined) this.#durations.observe({ operation, transport }, seconds)
  }

  messageSent(): void {
    this.#sends.inc()
  }

  streamOpened(transport: Transport): void {
    this.#streams.inc({ transport })
  }

  streamClosed(transport: Transport, reason: EndReason | undefined): void {
    this.#streams.dec({ transport })
    this.#endedStreams.inc({ transport, reason: reason ?? 'reader' })
  }

  eventDelivered(): void {
    this.#taken.inc()
  }

  eventDispatched(afterSeconds: number): void {
    this.#delays.observe(afterSeconds)
  }

  hintSent(): void {
    this.#hintsSent.inc()
  }

  hintReceived(): void {
    this.#hintsReceived.inc()
  }

  hintMissed(): void {
    this.#hintsMissed.inc()
  }

  rateLimited(policy: string): void {
    this.#limited.inc({ policy })
  }

  listRead(place: 'replica' | 'primary'): void {
    this.#listReads.inc({ place })
  }

  groupCommitted(transactions: number): void {
    this.#commits.observe(transactions)
  }

  webhookAttempted(outcome: WebhookOutcome, seconds: number): void {
    this.#webhookAttempts.inc({ outcome })
    this.#webhookDurations.observe(seconds)
  }

  businessEvent(name: keyof BusinessEvents): void {
    this.#business.inc({ event: name })
  }

  /** Includes these sources from now on. Call once. */
  watch({ app, poolLoad }: Sources): void {
    const { events, identity, sends, deliveryMarks, webhooks } = app
    this.#reading(
      'sotto_passwords_waiting',
      'Passwords waiting to be verified or hashed.',
      () => identity.passwords.waiting,
    )
    this.#reading('sotto_sends_waiting', 'Messages waiting to be written.', () => sends.waiting)
    this.#reading(
      'sotto_delivery_marks_waiting',
      'Delivery marks waiting to be written.',
      () => deliveryMarks.waiting,
    )
    this.#reading(
      'sotto_webhook_deliveries_waiting',
      'Webhook deliveries waiting; absent on servers that do not send them.',
      () => webhooks.waiting,
    )
    this.#reading(
      'sotto_log_read_age_seconds',
      'Time since the event log was last read; absent without open streams.',
      () => events.tailState && secondsSince(events.tailState.readAt),
    )
    this.#reading(
      'sotto_log_unsettled',
      '1 while committed events wait for an older transaction to end.',
      () => Number(events.tailState?.isHeldBack ?? false),
    )
    this.#gauge(
      'sotto_log_blocker_age_seconds',
      'Age of the transaction that committed events wait for; absent without one.',
      ['pid', 'application'],
      (gauge) => {
        gauge.reset()
        const blocker = events.tailState?.blocker
        if (!blocker) return
        const { pid, application, since } = blocker
        gauge.set({ pid: pid ?? '', application }, secondsSince(since))
      },
    )
    if (!poolLoad()) return
    this.#reading(
      'sotto_database_pool_size',
      'Maximum number of database connections.',
      () => poolLoad()?.size,
    )
    this.#reading('sotto_database_pool_in_use', 'Database connections in use.', () => poolLoad()?.inUse)
    this.#reading(
      'sotto_database_pool_waiting',
      'Operations waiting for a database connection.',
      () => poolLoad()?.waiting,
    )
  }

  /** All metrics in Prometheus's text format. */
  async page(): Promise<{ contentType: string; text: string }> {
    const parts = await Promise.all([this.#registry.metrics(), processRegistry.metrics()])
    return { contentType: this.#registry.contentType, text: parts.join('\n') }
  }

  /** The current values of all metrics. */
  async read() {
    return (await Promise.all([this.#registry.getMetricsAsJSON(), processRegistry.getMetricsAsJSON()])).flat()
  }

  #counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []) {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }

  #histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: Label[] = [],
  ) {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.#registry] })
  }

  #gauge<Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[] = [],
    read?: (gauge: Gauge<Label>) => void,
  ) {
    return new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      ...(read && {
        collect(this: Gauge<Label>) {
          read(this)
        },
      }),
    })
  }

  /** A gauge that reads its value on each scrape, and is absent while the value is undefined. */
  #reading(name: string, help: string, read: () => number | undefined): void {
    this.#gauge(name, help, [], (gauge) => {
      const value = read()
      if (value === undefined) gauge.remove()
      else gauge.set(value)
    })
  }
}

function secondsSince(at: number): number {
  return (performance.now() - at) / 1_000
}
