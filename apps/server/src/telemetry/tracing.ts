import type { IncomingHttpHeaders } from 'node:http'
import type { ErrorCode } from '@sotto/contract'
import type { StatementOutcome } from '@sotto/db'
import type { Transport } from '../metrics/metrics.ts'

/** A call to trace. Contains no text from the caller. */
export interface TracedCall {
  /** The operation, such as `messages.send`. Becomes the name of the span. */
  operation: string
  transport: Transport
  /** For plain HTTP: the route pattern, such as `/v1/users/:user`. */
  route?: string | undefined
  method?: string | undefined
  /** Can contain the caller's trace context. */
  headers?: IncomingHttpHeaders | undefined
}

/** The fields that connect a log line to its trace, named by OpenTelemetry. */
export interface TraceFields {
  trace_id: string
  span_id: string
  trace_flags: string
}

/** A traced unit of work. Calls after its end are ignored. */
export interface Span {
  /** For log lines written outside of `run`; undefined without tracing. */
  readonly logFields: TraceFields | undefined
  /** Runs work in the span: statements and log lines of the work belong to it. */
  run<Result>(work: () => Result): Result
  /** @param code the outcome; undefined if only the HTTP status is known. */
  end(code?: ErrorCode | 'ok', status?: number): void
}

/**
 * Traces calls, their statements, the transactions that calls share, and the delivery of their events. Spans never
 * contain message texts, names or tokens.
 */
export interface Tracing {
  /** Starts the span of a call, which must be ended explicitly. */
  begin(call: TracedCall): Span
  /** The active span if it belongs to the same operation, otherwise a new one. */
  spanOf(call: TracedCall): Span
  /** The active span. */
  active(): Span
  /** Runs work that several spans wait for, in a child span of the first. The others link to it. */
  share<Result>(name: string, waiting: readonly Span[], work: () => Promise<Result>): Promise<Result>
  /** Records that a span has written a message, so that the delivery of its event can link to the span. */
  messageWritten(messageId: string, span: Span): void
  /** Runs the delivery of events in a span that links to the spans that wrote them, if they are from this server. */
  deliver<Result>(
    events: readonly { message_id: string | null }[],
    work: () => Promise<Result>,
  ): Promise<Result>
  /** Records a finished statement as a child of the active span. */
  recordStatement(sql: string, outcome: StatementOutcome): void
}

/** For work that is not traced. */
export const noSpan: Span = {
  logFields: undefined,
  run: (work) => work(),
  end() {},
}

/** For servers without tracing. */
export const noTracing: Tracing = {
  begin: () => noSpan,
  spanOf: () => noSpan,
  active: () => noSpan,
  share: (_name, _waiting, work) => work(),
  messageWritten() {},
  deliver: (_events, work) => work(),
  recordStatement() {},
}
