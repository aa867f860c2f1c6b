import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Origins } from './origins.ts'

/**
 * What every answer says to a browser. An answer is data: it is not a page, loads nothing, and is shown in no frame.
 * The pages that there are (web-files.ts) set a policy of their own instead of the first.
 *
 * Made once and set by a hook: @fastify/helmet puts its headers together anew for each request.
 */
export const securityHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // For browsers that do not know frame-ancestors.
  'x-frame-options': 'DENY',
} as const

/** Two years, as browsers' preload lists ask for. Not for subdomains: they may not be ours to speak for. */
const STRICT_TRANSPORT_SECURITY = 'max-age=63072000'

const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
/** What the SDK, EventSource look-alikes and tRPC's links send. */
const ALLOWED_HEADERS = 'authorization, content-type, act-as, last-event-id, x-request-id, trpc-accept'
/** What a page may read besides what browsers always show. */
const EXPOSED_HEADERS = 'x-request-id, retry-after, ratelimit, ratelimit-policy'
/** How long a browser does without asking again, in seconds. No browser takes more than a day, Chromium two hours. */
const PREFLIGHT_MAX_AGE_S = 7_200

/** Sets what every answer carries, whatever becomes of the request: also a refusal, and the head of a stream. */
export function setAnswerHeaders(request: FastifyRequest, reply: FastifyReply, origins: Origins): void {
  reply.header('x-request-id', request.id)
  reply.headers(securityHeaders)
  // Over plain http browsers pass it over, and a server for trying things out must not speak for localhost.
  if (request.protocol === 'https') reply.header('strict-transport-security', STRICT_TRANSPORT_SECURITY)
  if (!origins.matter) return
  reply.header('vary', 'origin')
  const { origin } = request.headers
  if (origin === undefined || !origins.isListed(origin)) return
  reply.header('access-control-allow-origin', origin)
  reply.header('access-control-allow-credentials', 'true')
  reply.header('access-control-expose-headers', EXPOSED_HEADERS)
}

/** Whether this is a browser that asks, for a page of the list, what the page may send. */
export function isPreflight({ method, headers }: FastifyRequest, origins: Origins): boolean {
  return (
    method === 'OPTIONS' &&
    headers['access-control-request-method'] !== undefined &&
    headers.origin !== undefined &&
    origins.isListed(headers.origin)
  )
}

/** Answers a preflight. Whether there is such a route is for the request itself to find out. */
export function answerPreflight(reply: FastifyReply): FastifyReply {
  return reply
    .code(204)
    .header('access-control-allow-methods', ALLOWED_METHODS)
    .header('access-control-allow-headers', ALLOWED_HEADERS)
    .header('access-control-max-age', PREFLIGHT_MAX_AGE_S)
    .send()
}
