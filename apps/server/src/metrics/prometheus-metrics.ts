import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { PoolLoad } from '@sotto/db'
import type { App } from '../app/app.ts'
import type { BusinessEvents } from './business-events.ts'
import type { AnsweredCall, EndReason, Metrics, Transport, WebhookOutcome } from './metrics.ts'

/** From what SQLite takes for a read to what a request is cut off after, in seconds. */
const CALL_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** From a hint's way to a transaction that holds the log back for as long as ours may, in seconds. */
const DELAY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60]
/** As many transactions as may share a commit. */
const GROUP_BUCKETS = [1, 2, 4, 8, 16, 32, 64]

/** Of the whole process, so there is one, however many servers it holds: what watches a process is not let go again. */
const processRegistry = new Registry()
collectDefaultMetrics({ register: processRegistry })

/** What is read off the parts whenever somebody asks. */
interface Sources {
  app: Pick<App, 'events' | 'identity' | 'sends' | 'deliveryMarks' | 'webhooks'>
  poolLoad: () => PoolLoad | undefined
}

/** Keeps what is told in Prometheus's own terms; docs/metrics.md has the names. */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry()
  readonly #requests = this.#counter('sotto_requests_total', 'Calls that were answered.', [
    'operation',
    'transport',
    'code',
  ])
  readonly #durations = this.#histogram(
    'sotto_request_duration_seconds',
    'How long calls took that reached their operation; of a stream, until it was open.',
    CALL_BUCKETS,
    ['operation', 'transport'],
  )
  readonly #sends = this.#counter('sotto_messages_sent_total', 'Messages that were stored.')
  readonly #streams = this.#gauge('sotto_streams_open', 'Event streams that are open.', ['transport'])
  readonly #endedStreams = this.#counter('sotto_streams_ended_total', 'Event streams that have ended.', [
    'transport',
    'reason',
  ])
  readonly #taken = this.#counter('sotto_stream_events_total', 'Events and signals that streams have taken.')
  readonly #delays = this.#histogram(
    'sotto_log_delay_seconds',
    'From when an event was written until it went to the streams.',
    DELAY_BUCKETS,
  )
  readonly #hintsSent = this.#counter('sotto_hints_sent_total', 'Hints that were given to other servers.')
  readonly #hintsReceived = this.#counter('sotto_hints_received_total', 'Hints from other servers.')
  readonly #hintsMissed = this.#counter(
    'sotto_hints_missed_total',
    'Times that the poll found events of which no hint had told.',
  )
  readonly #limited = this.#counter('sotto_rate_limited_total', 'Calls beyond a rate limit.', ['policy'])
  readonly #listReads = this.#counter(
    'sotto_list_reads_total',
    'Lists that were read, where there is a replica.',
    ['place'],
  )
  readonly #commits = this.#histogram(
    'sotto_sqlite_commit_transactions',
    'How many transactions shared a commit of SQLite.',
    GROUP_BUCKETS,
  )

  readonly #webhookAttempts = this.#counter(
    'sotto_webhook_attempts_total',
    'Times that a receiver was asked to take an event.',
    ['outcome'],
  )
  readonly #webhookDurations = this.#histogram(
    'sotto_webhook_attempt_duration_seconds',
    'How long receivers took to answer, or not to.',
    CALL_BUCKETS,
  )

  readonly #business = this.#counter(
    'sotto_business_events_total',
    'What users and their operators have done.',
    ['event'],
  )

  answered({ operation, transport, code, seconds }: AnsweredCall): void {
    this.#requests.inc({ operation, transport, code })
    if (seconds !== undefined) this.#durations.observe({ operation, transport }, seconds)
  }

  sent(): void {
    this.#sends.inc()
  }

  streamOpened(transport: Transport): void {
    this.#streams.inc({ transport })
  }

  streamClosed(transport: Transport, reason: EndReason | undefined): void {
    this.#streams.dec({ transport })
    this.#endedStreams.inc({ transport, reason: reason ?? 'reader' })
  }

  eventTaken(): void {
    this.#taken.inc()
  }

  eventHandedOn(afterSeconds: number): void {
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

  committed(transactions: number): void {
    this.#commits.observe(transactions)
  }

  webhookAttempted(outcome: WebhookOutcome, seconds: number): void {
    this.#webhookAttempts.inc({ outcome })
    this.#webhookDurations.observe(seconds)
  }

  businessEvent(name: keyof BusinessEvents): void {
    this.#business.inc({ event: name })
  }

  /** Shows these from now on. Once. */
  watch({ app, poolLoad }: Sources): void {
    const { events, identity, sends, deliveryMarks, webhooks } = app
    this.#reading(
      'sotto_passwords_waiting',
      'Passwords that wait to be checked or hashed.',
      () => identity.passwords.waiting,
    )
    this.#reading('sotto_sends_waiting', 'Messages that are not written yet.', () => sends.waiting)
    this.#reading(
      'sotto_delivery_marks_waiting',
      'Delivered marks that are still to be written.',
      () => deliveryMarks.waiting,
    )
    this.#reading(
      'sotto_webhook_deliveries_waiting',
      'Deliveries that are still to be made; absent on servers that do not make them.',
      () => webhooks.waiting,
    )
    this.#reading(
      'sotto_log_read_age_seconds',
      'Since the event log was last read; absent while nobody streams.',
      () => events.tailState && secondsSince(events.tailState.readAt),
    )
    this.#reading(
      'sotto_log_unsettled',
      '1 while committed events wait for an older transaction to end.',
      () => Number(events.tailState?.isHeldBack ?? false),
    )
    this.#gauge(
      'sotto_log_blocker_age_seconds',
      'Age of the transaction that committed events wait for; absent when there is none.',
      ['pid', 'application'],
      (gauge) => {
        gauge.reset()
        const blocker = events.tailState?.blocker
        if (!blocker) return
        const { pid, application, since } = blocker
        gauge.set({ pid, application }, secondsSince(since))
      },
    )
    if (!poolLoad()) return
    this.#reading(
      'sotto_database_pool_size',
      'Database connections that there may be.',
      () => poolLoad()?.size,
    )
    this.#reading('sotto_database_pool_in_use', 'Database connections in use.', () => poolLoad()?.inUse)
    this.#reading(
      'sotto_database_pool_waiting',
      'Uses of the database that wait for a connection.',
      () => poolLoad()?.waiting,
    )
  }

  /** Everything as Prometheus reads it. */
  async page(): Promise<{ contentType: string; text: string }> {
    const parts = await Promise.all([this.#registry.metrics(), processRegistry.metrics()])
    return { contentType: this.#registry.contentType, text: parts.join('\n') }
  }

  /** Everything as it stands now. */
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

  /** A gauge whose value is asked for at each reading; without one it is absent. */
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
