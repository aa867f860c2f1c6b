import type { ErrorCode } from '@sotto/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { operations } from '../app/operations.ts'
import type { Metrics, Transport } from '../metrics/metrics.ts'

/** What a route is for. */
interface RouteCall {
  operation: string
  transport: Transport
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of routes that operations are called at. */
    call?: RouteCall
  }
  interface FastifyRequest {
    /** What it was refused with, as a whole. */
    failure: ErrorCode | undefined
  }
}

/** What nobody has a route for. */
const NO_CALL: RouteCall = { operation: 'unknown', transport: 'rest' }

const names = new Set(operations.map((operation) => operation.name))

/** The name of an operation; `unknown` for anything else that a caller has said, since whatever is said is kept. */
export function nameOfOperation(path: string | undefined): string {
  return path !== undefined && names.has(path) ? path : NO_CALL.operation
}

/**
 * Tells of each request over plain HTTP once its answer has gone out, also of one that no operation has seen. Calls
 * over tRPC, of which a request holds several, are told of by themselves, and so are streams, once they are open.
 */
export function reportAnswers(http: FastifyInstance, metrics: Metrics): void {
  http.decorateRequest('failure', undefined)
  http.addHook('onResponse', async ({ routeOptions, failure }, reply) => {
    const { operation, transport } = routeOptions.config?.call ?? NO_CALL
    if (failure === undefined && transport !== 'rest') return
    if (failure === undefined && operation === NO_CALL.operation) return
    const isKnown = operation !== NO_CALL.operation
    const seconds = isKnown ? secondsOf(reply) : undefined
    metrics.answered({ operation, transport, code: failure ?? 'ok', seconds })
  })
}

/** Tells of a stream that is open, which will not be answered for as long as it goes on. */
export function reportOpened(metrics: Metrics, { routeOptions }: FastifyRequest, reply: FastifyReply): void {
  const call = routeOptions.config.call ?? NO_CALL
  metrics.answered({ ...call, code: 'ok', seconds: secondsOf(reply) })
}

function secondsOf(reply: FastifyReply): number {
  return reply.elapsedTime / 1_000
}
