import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isStream, operations } from '../app/operations.ts'
import { noSpan, type Span, type Tracing } from '../telemetry/tracing.ts'
import { nameOfOperation } from './call-reports.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of the request's call; a no-op span for requests without one. */
    span: Span
  }
}

const spans = new WeakMap<FastifyRequest, Span>()
const streams = new Set(operations.filter(isStream).map(({ name }) => name))

/** The span name of a tRPC request with several calls, each of which has a child span. */
const BATCH = 'batch'

/**
 * Gives each HTTP request that calls an operation a span, which ends when the response has been sent or the stream is
 * open. Must be registered before any hook that uses `request.span`.
 */
export function traceCalls(http: FastifyInstance, tracing: Tracing): void {
  http.decorateRequest('span', {
    getter(this: FastifyRequest) {
      return spans.get(this) ?? noSpan
    },
  })
  http.addHook('onRequest', (request, _reply, done) => {
    const operation = operationOf(request)
    const transport = request.routeOptions.config?.call?.transport
    if (operation !== undefined && transport !== undefined) {
      const { method, headers } = request
      const span = tracing.begin({ operation, transport, method, headers, route: request.routeOptions.url })
      if (span !== noSpan) spans.set(request, span)
    }
    done()
  })
  // Enters the span in the handler, because hooks run in the async context of the socket.
  http.addHook('onRoute', (route) => {
    if (!route.config?.call || route.config.call.transport === 'ws') return
    const { handler } = route
    route.handler = function handleInSpan(request, reply) {
      return request.span.run(() => handler.call(this, request, reply))
    }
  })
  http.addHook('onResponse', async ({ span, failure }, { statusCode }) => {
    span.end(failure ?? (statusCode < 400 ? 'ok' : undefined), statusCode)
  })
}

/** The span's name; undefined for requests without a call, and for subscriptions, whose span starts later. */
function operationOf({ routeOptions, params }: FastifyRequest): string | undefined {
  const { operation, transport } = routeOptions.config?.call ?? {}
  if (transport !== 'rpc') return operation === 'unknown' ? undefined : operation
  const { path } = params as { path: string }
  if (path.includes(',')) return BATCH
  // A subscription's response lasts as long as the subscription.
  return streams.has(path) ? undefined : nameOfOperation(path)
}
