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

/** How many messages are remembered whose events are still to be delivered, so that what nobody reads does not pile up. */
const MAX_WRITTEN = 4_096
/** As many links as OpenTelemetry lets a span have, unless told otherwise. */
const MAX_LINKS = 128

const propagator = new W3CTraceContextPropagator()

interface Options {
  tracer: Tracer
  /** As OpenTelemetry calls it. */
  databaseSystem: 'sqlite' | 'postgresql'
}

/** Makes spans of OpenTelemetry. What runs in which is known by `AsyncLocalStorage`; no module is patched. */
export class OtelTracing implements Tracing {
  readonly #tracer: Tracer
  readonly #databaseSystem: string
  readonly #active = new AsyncLocalStorage<TracedSpan | undefined>()
  /** Which span wrote a message, as long as its event was not delivered. */
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
    // A call of a batch is a part of the request that brought it.
    const around = headers ? undefined : this.#open()
    const kind = around ? SpanKind.INTERNAL : SpanKind.SERVER
    const parent = around ? contextOf(around) : parentIn(headers ?? {})
    return this.#traced(operation, this.#tracer.startSpan(operation, { kind, attributes }, parent))
  }

  spanOf(call: TracedCall): Span {
    const around = this.#open()
    return around?.name === call.operation ? around : this.begin(call)
  }

  active(): Span {
    return this.#open() ?? noSpan
  }

  async share<Result>(name: string, waiting: readonly Span[], work: () => Promise<Result>): Promise<Result> {
    const [first, ...others] = waiting.filter((span) => span instanceof TracedSpan)
    // What this runs in otherwise is whoever happened to start it.
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

  wrote(messageId: string, span: Span): void {
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

  ran(sql: string, { durationMs, error }: StatementOutcome): void {
    const parent = this.#open()
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
          // With a placeholder for each value.
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

  /** Work that goes on after its call has been answered is no part of it any more. */
  #open(): TracedSpan | undefined {
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
    const shownStatus = status ?? (code === undefined || code === 'ok' ? 200 : errorCatalogue[code].status)
    if (code !== undefined && code !== 'ok') this.#span.setAttribute('error.type', code)
    // As the conventions have it: what a caller did wrong is no fault of the server.
    if (shownStatus >= 500) this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end()
  }
}

function contextOf({ context }: TracedSpan): Context {
  return trace.setSpanContext(ROOT_CONTEXT, context)
}

/** W3C Trace Context: the trace that whoever calls has begun. What is none is ignored. */
function parentIn(headers: IncomingHttpHeaders): Context {
  return propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
}

/** The database's own code, such as `57014`. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
