import { type Attributes, type Logger, ROOT_CONTEXT, SeverityNumber, trace } from '@opentelemetry/api'

/** A line of pino's output. */
interface Line extends Record<string, unknown> {
  level: number
  time: number
  msg?: string
  trace_id?: string
  span_id?: string
  trace_flags?: string
  err?: { type?: string; message?: string; stack?: string }
}

/** By pino's level, highest first. */
const SEVERITIES = [
  [60, 'fatal', SeverityNumber.FATAL],
  [50, 'error', SeverityNumber.ERROR],
  [40, 'warn', SeverityNumber.WARN],
  [30, 'info', SeverityNumber.INFO],
  [20, 'debug', SeverityNumber.DEBUG],
] as const

/** Emits each log line as an OpenTelemetry log record with the same content. */
export class LogRecords {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  write(line: string): void {
    // Trusted JSON, written by pino.
    const { level, time, msg, trace_id, span_id, trace_flags, err, ...rest } = JSON.parse(line) as Line
    const [, severityText, severityNumber] = SEVERITIES.find(([from]) => level >= from) ?? [
      0,
      'trace',
      SeverityNumber.TRACE,
    ]
    this.#logger.emit({
      timestamp: time,
      severityNumber,
      severityText,
      ...(msg !== undefined && { body: msg }),
      attributes: { ...attributesOf(rest), ...exceptionOf(err) },
      ...(trace_id !== undefined &&
        span_id !== undefined && {
          context: trace.setSpanContext(ROOT_CONTEXT, {
            traceId: trace_id,
            spanId: span_id,
            traceFlags: Number.parseInt(trace_flags ?? '0', 16),
          }),
        }),
    })
  }
}

function attributesOf(fields: Record<string, unknown>): Attributes {
  const attributes: Attributes = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue
    attributes[name] =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? value
        : JSON.stringify(value)
  }
  return attributes
}

/** Named by OpenTelemetry's semantic conventions. */
function exceptionOf(error: Line['err']): Attributes {
  if (error === undefined) return {}
  return attributesOf({
    'exception.type': error.type,
    'exception.message': error.message,
    'exception.stacktrace': error.stack,
  })
}
