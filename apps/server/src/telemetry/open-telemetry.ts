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
/** The maximum number of spans, and of log records, waiting for export. Further ones are dropped. */
const MAX_QUEUE = 8_192
const MAX_BATCH = 512
/** The timeout for exporting a batch, including retries, in milliseconds. */
const EXPORT_TIMEOUT_MS = 5_000
/** How long closing waits for the last export, in milliseconds. */
const CLOSE_TIMEOUT_MS = 3_000
/** The minimum time between two log lines about failed exports, in milliseconds. */
const REPORT_INTERVAL_MS = 60_000

/** Exports traces, metrics and logs over OTLP. */
export interface Telemetry {
  readonly tracing: Tracing
  /** Receives each log line; undefined if logs are not exported. */
  readonly logRecords: LogRecords | undefined
  /** Exports these metrics periodically, if metrics are exported. Call once. */
  sendMetrics(read: ReadMetrics): void
  /** Logs failed exports to this log. */
  reportTo(log: Logger): void
  /** Exports what is pending, for at most three seconds. Never rejects. */
  close(): Promise<void>
}

interface Options {
  settings: TelemetrySettings
  version: string
  /** Distinguishes the servers of a service. */
  instanceId: string
  databaseSystem: 'sqlite' | 'postgresql'
}

/** Only this file loads the OpenTelemetry SDK. It is imported if an endpoint is set. */
export function openTelemetry({ settings, version, instanceId, databaseSystem }: Options): Telemetry {
  const resource = resourceFromAttributes({
    'service.version': version,
    'service.instance.id': instanceId,
    ...settings.resourceAttributes,
    'service.name': settings.serviceName,
  })
  /** The exporters read other options, such as compression and certificates, from the standard variables. */
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
  const shutdowns: (() => Promise<void>)[] = []

  function openTracing(): Tracing {
    if (!settings.traces) return noTracing
    const exporter = new OTLPTraceExporter(exporterFor('traces'))
    const provider = new TracerProvider({
      resource,
      sampler: makeSampler(settings),
      spanProcessors: [new BatchSpanProcessor({ exporter, ...batch })],
    })
    shutdowns.push(() => provider.shutdown())
    return new OtelTracing({ tracer: provider.getTracer(SCOPE, version), databaseSystem })
  }

  function openLogRecords(): LogRecords | undefined {
    if (!settings.logs) return undefined
    const exporter = new OTLPLogExporter(exporterFor('logs'))
    const provider = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter, ...batch })],
    })
    shutdowns.push(() => provider.shutdown())
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
      shutdowns.push(() => provider.shutdown())
    },
    reportTo: (log) => reportProblems(log, redactUrl(settings.endpoint)),
    async close() {
      const finished = Promise.allSettled(shutdowns.map((shutdown) => shutdown()))
      await Promise.race([finished, wait(CLOSE_TIMEOUT_MS, undefined, { ref: false })])
      diag.disable()
    },
  }
}

/** Rate-limited: if logs are exported, each line about a failed export is itself exported. */
function reportProblems(log: Logger, endpoint: string): void {
  let reportedAt = Number.NEGATIVE_INFINITY
  function report(problem: string): void {
    if (performance.now() - reportedAt < REPORT_INTERVAL_MS) return
    reportedAt = performance.now()
    log.warn({ endpoint, problem: messageIn(problem) }, 'exporting telemetry failed')
  }
  diag.setLogger(
    { error: report, warn: report, info() {}, debug() {}, verbose() {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}

/** OpenTelemetry reports errors as JSON, with their stack. */
function messageIn(problem: string): string {
  try {
    const { message } = JSON.parse(problem) as { message?: unknown }
    return typeof message === 'string' ? message : problem
  } catch {
    return problem
  }
}
