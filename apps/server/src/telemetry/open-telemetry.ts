import { setTimeout as wait } from 'node:timers/promises'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import { redactUrl } from '../lib/redact-url.ts'
import { LogRecords } from './log-records.ts'
import { OtelTracing } from './otel-tracing.ts'
import { PrometheusProducer, type ReadMetrics } from './prometheus-producer.ts'
import { makeSampler } from './sampler.ts'
import type { TelemetrySettings } from './telemetry-settings.ts'
import { noTracing, type Tracing } from './tracing.ts'

const SCOPE = 'sotto'
/** How much waits at most to be sent, of spans and of lines of the log each. What is more is dropped. */
const MAX_QUEUE = 8_192
const MAX_BATCH = 512
/** How long the receiver may take for a batch, with all tries, in milliseconds. */
const EXPORT_TIMEOUT_MS = 5_000
/** How long a stop waits for the last of it, in milliseconds. */
const CLOSE_LIMIT_MS = 3_000
/** How often it is said that telemetry does not arrive, in milliseconds. */
const REPORT_EVERY_MS = 60_000

/** What a process sends by OpenTelemetry's protocol. */
export interface Telemetry {
  readonly tracing: Tracing
  /** Takes each line of the log, as it is printed; undefined when logs are not sent. */
  readonly logRecords: LogRecords | undefined
  /** Sends what this reads, now and then, if metrics are sent at all. Once. */
  sendMetrics(read: ReadMetrics): void
  /** Says in this log when what is sent does not arrive. */
  reportTo(log: Logger): void
  /** Sends what is left, and ends. Waits for three seconds at most, and never fails. */
  close(): Promise<void>
}

interface Options {
  settings: TelemetrySettings
  version: string
  /** Tells the servers of one service apart. */
  instanceId: string
  databaseSystem: 'sqlite' | 'postgresql'
}

/** Only this file loads OpenTelemetry's SDK: it is imported when there is somewhere to send to. */
export function openTelemetry({ settings, version, instanceId, databaseSystem }: Options): Telemetry {
  const resource = resourceFromAttributes({
    'service.version': version,
    'service.instance.id': instanceId,
    ...settings.resourceAttributes,
    'service.name': settings.serviceName,
  })
  /** Compression, certificates and the like are the exporters' own, read as OpenTelemetry says. */
  const exporterFor = (signal: 'traces' | 'metrics' | 'logs') => ({
    url: `${settings.endpoint.replace(/\/$/, '')}/v1/${signal}`,
    headers: settings.headers,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  })
  const batch = {
    maxQueueSize: MAX_QUEUE,
    maxExportBatchSize: MAX_BATCH,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  }
  const ending: (() => Promise<void>)[] = []

  function openTracing(): Tracing {
    if (!settings.traces) return noTracing
    const exporter = new OTLPTraceExporter(exporterFor('traces'))
    const provider = new TracerProvider({
      resource,
      sampler: makeSampler(settings),
      spanProcessors: [new BatchSpanProcessor({ exporter, ...batch })],
    })
    ending.push(() => provider.shutdown())
    return new OtelTracing({ tracer: provider.getTracer(SCOPE, version), databaseSystem })
  }

  function openLogRecords(): LogRecords | undefined {
    if (!settings.logs) return undefined
    const exporter = new OTLPLogExporter(exporterFor('logs'))
    const provider = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter, ...batch })],
    })
    ending.push(() => provider.shutdown())
    return new LogRecords(provider.getLogger(SCOPE, version))
  }

  return {
    tracing: openTracing(),
    logRecords: openLogRecords(),
    sendMetrics(read) {
      if (!settings.metrics) return
      const reader = new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter(exporterFor('metrics')),
        exportIntervalMillis: settings.metricIntervalMs,
        exportTimeoutMillis: Math.min(EXPORT_TIMEOUT_MS, settings.metricIntervalMs),
        metricProducers: [new PrometheusProducer({ read, resource, scope: { name: SCOPE, version } })],
      })
      const provider = new MeterProvider({ resource, readers: [reader] })
      ending.push(() => provider.shutdown())
    },
    reportTo: (log) => reportProblems(log, redactUrl(settings.endpoint)),
    async close() {
      const ended = Promise.allSettled(ending.map((end) => end()))
      await Promise.race([ended, wait(CLOSE_LIMIT_MS, undefined, { ref: false })])
      diag.disable()
    },
  }
}

/** Now and then: while logs are sent, each line about a failure to send them makes one more to send. */
function reportProblems(log: Logger, endpoint: string): void {
  let reportedAt = Number.NEGATIVE_INFINITY
  function report(problem: string): void {
    if (performance.now() - reportedAt < REPORT_EVERY_MS) return
    reportedAt = performance.now()
    log.warn({ endpoint, problem: messageIn(problem) }, 'exporting telemetry failed')
  }
  diag.setLogger(
    { error: report, warn: report, info() {}, debug() {}, verbose() {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}

/** OpenTelemetry hands errors on as JSON, with their stack. */
function messageIn(problem: string): string {
  try {
    const { message } = JSON.parse(problem) as { message?: unknown }
    return typeof message === 'string' ? message : problem
  } catch {
    return problem
  }
}
