import type { IncomingHttpHeaders } from 'node:http'
import type { ErrorCode } from '@sotto/contract'
import type { StatementOutcome } from '@sotto/db'
import type { Transport } from '../metrics/metrics.ts'

/** What is called, in the words of the contract: never what a caller made up. */
export interface TracedCall {
  /** `messages.send`, which becomes the span's name. */
  operation: string
  transport: Transport
  /** Over plain HTTP: the route as it is written in the source, `/v1/users/:user`. */
  route?: string | undefined
  method?: string | undefined
  /** Where the caller may say which trace the call belongs to. */
  headers?: IncomingHttpHeaders | undefined
}

/** What joins a line of the log to its trace, in the names that OpenTelemetry gives them. */
export interface TraceFields {
  trace_id: string
  span_id: string
  trace_flags: string
}

/** A piece of work that is traced. What is asked of it once it has ended is ignored. */
export interface Span {
  /** For lines of the log that are written outside of `run`; undefined where nothing is traced. */
  readonly logFields: TraceFields | undefined
  /** Runs work as a part of it: the statements and the lines of the log that come of the work belong to it. */
  run<Result>(work: () => Result): Result
  /** @param code what came of it; undefined where that shows in the status alone. */
  end(code?: ErrorCode | 'ok', status?: number): void
}

/**
 * What the parts of a server tell of who waits for what. There are spans of calls, of the statements of a call, of
 * transactions that calls share, and of the delivery of what they wrote; never with a text, a name or a token in them.
 */
export interface Tracing {
  /** Begins the span of a call. Whoever begins it ends it. */
  begin(call: TracedCall): Span
  /** The span of a call: the open one that this runs in, where it is of the same operation, else a new one. */
  spanOf(call: TracedCall): Span
  /** What this runs in. */
  active(): Span
  /** Runs what several spans wait for together: a part of the first of them, which the others link to. */
  share<Result>(name: string, waiting: readonly Span[], work: () => Promise<Result>): Promise<Result>
  /** This span has written a message, of which there will be an event. */
  wrote(messageId: string, span: Span): void
  /** Runs the delivery of events. Links to the spans that wrote them, as far as they were spans of this server. */
  deliver<Result>(
    events: readonly { message_id: string | null }[],
    work: () => Promise<Result>,
  ): Promise<Result>
  /** A statement ran: a part of what it ran in. */
  ran(sql: string, outcome: StatementOutcome): void
}

/** For what nobody traces. */
export const noSpan: Span = {
  logFields: undefined,
  run: (work) => work(),
  end() {},
}

/** For a server that nobody traces. */
export const noTracing: Tracing = {
  begin: () => noSpan,
  spanOf: () => noSpan,
  active: () => noSpan,
  share: (_name, _waiting, work) => work(),
  wrote() {},
  deliver: (_events, work) => work(),
  ran() {},
}
