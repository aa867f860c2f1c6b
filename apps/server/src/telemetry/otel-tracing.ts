import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingHttpHeaders } from 'node:http'
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { type ErrorCode, errorCatalogue } from '@sotto/contract'
import type { StatementOutcome } from '@sotto/db'
import { noSpan, type Span, type TracedCall, type TraceFields, type Tracing } from './tracing.ts'

/** The maximum number of messages remembered until their event is delivered, which may never happen. */
const MAX_WRITTEN = 4_096
/** OpenTelemetry's default limit of links per span. */
const MAX_LINKS = 128

const propagator = new W3CTraceContextPropagator()

interface Options {
  tracer: Tracer
  /** The value of `db.system.name`. */
  databaseSystem: 'sqlite' | 'postgresql'
}

/** Creates OpenTelemetry spans. Keeps the active span in `AsyncLocalStorage`, without patching modules. */
export class OtelTracing implements Tracing {
  readonly #tracer: Tracer
  readonly #databaseSystem: string
  readonly #active = new AsyncLocalStorage<TracedSpan | undefined>()
  /** The span that wrote each message, until the message's event is delivered. */
  readonly #written = new Map<string, TracedSpan>()

  constructor({ tracer, databaseSystem }: Options) {
    this.#tracer = tracer
    this.#databaseSystem = databaseSystem
  }

  begin(call: TracedCall): Span {
    const { operation, transport, route, method, headers } = call
    const attributes: Attributes = {
      'sotto.transport': transport,
      ...(route !== undefined && { 'http.route': route }),
      ...(method !== undefined && { 'http.request.method': method }),
    }
    // Calls of a batch are children of the span of their request.
    const enclosing = headers ? undefined : this.#activeSpan()
    const kind = enclosing ? SpanKind.INTERNAL : SpanKind.SERVER
    const parent = enclosing ? contextOf(enclosing) : parentIn(headers ?? {})
    return this.#traced(operation, this.#tracer.startSpan(operation, { kind, attributes }, parent))
  }

  spanOf(call: TracedCall): Span {
    const enclosing = this.#activeSpan()
    return enclosing?.name === call.operation ? enclosing : this.begin(call)
  }

  active(): Span {
    return this.#activeSpan() ?? noSpan
  }

  async share<Result>(name: string, waiting: readonly Span[], work: () => Promise<Result>): Promise<Result> {
    const [first, ...others] = waiting.filter((span) => span instanceof TracedSpan)
    // Without a span, because the work would otherwise belong to whichever call triggered it.
    if (!first) return this.#active.run(undefined, work)
    const attributes = { 'sotto.shared_by': waiting.length }
    const shared = this.#traced(name, this.#tracer.startSpan(name, { attributes }, contextOf(first)))
    for (const other of others) other.linkTo(shared)
    try {
      return await shared.run(work)
    } finally {
      shared.end()
    }
  }

  messageWritten(messageId: string, span: Span): void {
    if (!(span instanceof TracedSpan) || !span.isSampled) return
    const [oldest] = this.#written.keys()
    if (oldest !== undefined && this.#written.size >= MAX_WRITTEN) this.#written.delete(oldest)
    this.#written.set(messageId, span)
  }

  async deliver<Result>(
    events: readonly { message_id: string | null }[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const writers = events.flatMap(({ message_id: id }) => (id === null ? [] : this.#takeWriter(id)))
    if (writers.length === 0) return this.#active.run(undefined, work)
    const links = writers.slice(0, MAX_LINKS).map(({ context }) => ({ context }))
    const attributes = { 'sotto.events': events.length }
    const name = 'events.deliver'
    const span = this.#traced(
      name,
      this.#tracer.startSpan(name, { kind: SpanKind.CONSUMER, root: true, links, attributes }, ROOT_CONTEXT),
    )
    try {
      return await span.run(work)
    } finally {
      span.end()
    }
  }

  recordStatement(sql: string, { durationMs, error }: StatementOutcome): void {
    const parent = this.#activeSpan()
    if (!parent?.isSampled) return
    const operation = /^\s*(\w+)/.exec(sql)?.[1]?.toLowerCase() ?? 'statement'
    const endTime = Date.now()
    const span = this.#tracer.startSpan(
      operation,
      {
        kind: SpanKind.CLIENT,
        startTime: endTime - durationMs,
        attributes: {
          'db.system.name': this.#databaseSystem,
          'db.operation.name': operation,
          // Contains placeholders instead of values.
          'db.query.text': sql,
        },
      },
      contextOf(parent),
    )
    if (error !== undefined) {
      span.setAttribute('error.type', codeOf(error))
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end(endTime)
  }

  /** Undefined once the span has ended: work that continues after a call does not belong to it. */
  #activeSpan(): TracedSpan | undefined {
    const span = this.#active.getStore()
    return span?.isOpen ? span : undefined
  }

  #traced(name: string, span: OtelSpan): TracedSpan {
    return new TracedSpan(name, span, (traced, work) => this.#active.run(traced, work))
  }

  #takeWriter(messageId: string): TracedSpan[] {
    const span = this.#written.get(messageId)
    this.#written.delete(messageId)
    return span ? [span] : []
  }
}

type Run = <Result>(span: TracedSpan, work: () => Result) => Result

class TracedSpan implements Span {
  readonly name: string
  isOpen = true
  readonly #span: OtelSpan
  readonly #run: Run

  constructor(name: string, span: OtelSpan, run: Run) {
    this.name = name
    this.#span = span
    this.#run = run
  }

  get context() {
    return this.#span.spanContext()
  }

  get isSampled(): boolean {
    return (this.context.traceFlags & TraceFlags.SAMPLED) !== 0
  }

  get logFields(): TraceFields {
    const { traceId, spanId, traceFlags } = this.context
    return { trace_id: traceId, span_id: spanId, trace_flags: traceFlags.toString(16).padStart(2, '0') }
  }

  run<Result>(work: () => Result): Result {
    return this.#run(this, work)
  }

  linkTo(other: TracedSpan): void {
    this.#span.addLink({ context: other.context })
  }

  end(code?: ErrorCode | 'ok', status?: number): void {
    if (!this.isOpen) return
    this.isOpen = false
    if (status !== undefined) this.#span.setAttribute('http.response.status_code', status)
    const effectiveStatus =
      status ?? (code === undefined || code === 'ok' ? 200 : errorCatalogue[code].status)
    if (code !== undefined && code !== 'ok') this.#span.setAttribute('error.type', code)
    // By convention, client errors do not mark a server span as failed.
    if (effectiveStatus >= 500) this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end()
  }
}

function contextOf({ context }: TracedSpan): Context {
  return trace.setSpanContext(ROOT_CONTEXT, context)
}

/** The caller's trace from its W3C Trace Context headers. Invalid headers are ignored. */
function parentIn(headers: IncomingHttpHeaders): Context {
  return propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
}

/** The error code of the database, such as `57014`. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
