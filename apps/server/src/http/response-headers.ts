import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Origins } from './origins.ts'

/**
 * The security headers of every response. Responses are data: they load nothing and must not be framed. Pages
 * (web-files.ts) replace the content security policy with their own.
 *
 * A constant set by a hook, because @fastify/helmet builds its headers again for every request.
 */
export const securityHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // For browsers without support for frame-ancestors.
  'x-frame-options': 'DENY',
} as const

/** Two years, as the HSTS preload list recommends. Not for subdomains, which may belong to other services. */
const STRICT_TRANSPORT_SECURITY = 'max-age=63072000'

const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
/** The headers that the SDK, fetch-based EventSource clients and tRPC's links send. */
const ALLOWED_HEADERS =
  'authorization, content-type, act-as, expected-user, last-event-id, x-request-id, trpc-accept'
/** The headers that a page can read in addition to the CORS-safelisted ones. */
const EXPOSED_HEADERS = 'x-request-id, retry-after, ratelimit, ratelimit-policy'
/** How long browsers cache a preflight, in seconds. Chromium caps this at two hours. */
const PREFLIGHT_MAX_AGE_S = 7_200

/** Sets the headers of every response, including errors and streams. */
export function setResponseHeaders(request: FastifyRequest, reply: FastifyReply, origins: Origins): void {
  reply.header('x-request-id', request.id)
  reply.headers(securityHeaders)
  // Not over plain http: browsers ignore it there, and a local server must not force https on all of localhost.
  if (request.protocol === 'https') reply.header('strict-transport-security', STRICT_TRANSPORT_SECURITY)
  if (!origins.affectResponses) return
  reply.header('vary', 'origin')
  const { origin } = request.headers
  if (origin === undefined || !origins.isAllowed(origin)) return
  reply.header('access-control-allow-origin', origin)
  reply.header('access-control-allow-credentials', 'true')
  reply.header('access-control-expose-headers', EXPOSED_HEADERS)
}

/** Whether this is a CORS preflight from an allowed origin. */
export function isPreflight({ method, headers }: FastifyRequest, origins: Origins): boolean {
  return (
    method === 'OPTIONS' &&
    headers['access-control-request-method'] !== undefined &&
    headers.origin !== undefined &&
    origins.isAllowed(headers.origin)
  )
}

/** Answers a preflight even if the route does not exist: the actual request will report that. */
export function answerPreflight(reply: FastifyReply): FastifyReply {
  return reply
    .code(204)
    .header('access-control-allow-methods', ALLOWED_METHODS)
    .header('access-control-allow-headers', ALLOWED_HEADERS)
    .header('access-control-max-age', PREFLIGHT_MAX_AGE_S)
    .send()
}
