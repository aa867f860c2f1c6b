import type { ErrorCode } from '@sotto/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { operations } from '../app/operations.ts'
import type { Metrics, Transport } from '../metrics/metrics.ts'

/** The operation that a route serves. */
interface RouteCall {
  operation: string
  transport: Transport
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set for routes that serve operations. */
    call?: RouteCall
  }
  interface FastifyRequest {
    /** The error code, if the request as a whole was rejected. */
    failure: ErrorCode | undefined
  }
}

/** For requests without a matching route. */
const UNKNOWN_CALL: RouteCall = { operation: 'unknown', transport: 'rest' }

const names = new Set(operations.map((operation) => operation.name))

/** The name of an operation, or `unknown`: metrics keep every label value, so callers must not be able to add any. */
export function nameOfOperation(path: string | undefined): string {
  return path !== undefined && names.has(path) ? path : UNKNOWN_CALL.operation
}

/**
 * Reports each request over plain HTTP after its response was sent, even if it reached no operation. Calls over tRPC
 * are reported individually elsewhere, and streams when they open.
 */
export function reportResponses(http: FastifyInstance, metrics: Metrics): void {
  http.decorateRequest('failure', undefined)
  http.addHook('onResponse', async ({ routeOptions, failure }, reply) => {
    const { operation, transport } = routeOptions.config?.call ?? UNKNOWN_CALL
    if (failure === undefined && transport !== 'rest') return
    if (failure === undefined && operation === UNKNOWN_CALL.operation) return
    const isKnown = operation !== UNKNOWN_CALL.operation
    const seconds = isKnown ? secondsOf(reply) : undefined
    metrics.callFinished({ operation, transport, code: failure ?? 'ok', seconds })
  })
}

/** Reports a stream when it opens, because its response ends only with the stream. */
export function reportOpenStream(
  metrics: Metrics,
  { routeOptions }: FastifyRequest,
  reply: FastifyReply,
): void {
  const call = routeOptions.config.call ?? UNKNOWN_CALL
  metrics.callFinished({ ...call, code: 'ok', seconds: secondsOf(reply) })
}

function secondsOf(reply: FastifyReply): number {
  return reply.elapsedTime / 1_000
}
