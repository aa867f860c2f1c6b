import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isStream, operations } from '../app/operations.ts'
import { noSpan, type Span, type Tracing } from '../telemetry/tracing.ts'
import { nameOfOperation } from './call-reports.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the call that it brings; one that traces nothing for what brings none. */
    span: Span
  }
}

const spans = new WeakMap<FastifyRequest, Span>()
const streams = new Set(operations.filter(isStream).map(({ name }) => name))

/** Of a tRPC request that holds several calls, each of which has a span in it. */
const BATCH = 'batch'

/**
 * Gives each request over plain HTTP that calls an operation a span, from its first byte until its answer has gone out;
 * of a stream, until it is open. Goes before whatever looks at `request.span`.
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
  // The hooks of a request run wherever its socket was read.
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

/** Undefined for what is no call, and for what has its span where it is carried out. */
function operationOf({ routeOptions, params }: FastifyRequest): string | undefined {
  const { operation, transport } = routeOptions.config?.call ?? {}
  if (transport !== 'rpc') return operation === 'unknown' ? undefined : operation
  const { path } = params as { path: string }
  if (path.includes(',')) return BATCH
  // A subscription's response goes on for as long as it does.
  return streams.has(path) ? undefined : nameOfOperation(path)
}
