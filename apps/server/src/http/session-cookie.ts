import { SottoError } from '@sotto/contract'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SessionCookie } from '../app/context.ts'
import type { Origins } from './origins.ts'

/**
 * The prefix makes browsers require this host, TLS and the path /, so a subdomain cannot set the cookie.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2
 */
const NAME = '__Host-sotto'
const LOCALHOST = /^(.+\.)?localhost$|^127\.[\d.]+$|^\[::1\]$/
const ATTRIBUTES = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' } as const

/** The session token in the request's cookie, if any. */
export function sessionTokenIn({ headers }: FastifyRequest): string | undefined {
  return headers.cookie === undefined ? undefined : parseCookie(headers.cookie)[NAME]
}

/**
 * Other sites' pages can make a browser send cookies, so the cookie is only accepted from pages of trusted origins. For
 * same-origin reads, browsers send a Sec-Fetch-Site header instead of an Origin header.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireTrustedPage(request: FastifyRequest, origins: Origins): void {
  const { origin } = request.headers
  if (origin === undefined ? isSameOriginRead(request) : origins.isTrusted(origin, request)) return
  throw new SottoError('FORBIDDEN', {
    detail: 'the session cookie is only accepted from pages of this server and of allowed origins',
  })
}

function isSameOriginRead({ method, headers }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && headers['sec-fetch-site'] === 'same-origin'
}

/** @param isAuthenticated whether the caller authenticated with the cookie. */
export function sessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { origins, isAuthenticated }: { origins: Origins; isAuthenticated: boolean },
): SessionCookie {
  return {
    require() {
      requireTrustedPage(request, origins)
      requireStorableCookie(request)
    },
    set(token, expires) {
      reply.header('set-cookie', stringifySetCookie({ name: NAME, value: token, expires, ...ATTRIBUTES }))
    },
    clear() {
      if (!isAuthenticated) return
      reply.header('set-cookie', stringifySetCookie({ name: NAME, value: '', maxAge: 0, ...ATTRIBUTES }))
    },
  }
}

/** Over plain http browsers silently drop the cookie, and the next request would be anonymous. */
function requireStorableCookie({ headers: { origin = '' } }: FastifyRequest): void {
  const page = URL.parse(origin)
  if (page?.protocol === 'https:' || LOCALHOST.test(page?.hostname ?? '')) return
  throw new SottoError('FORBIDDEN', {
    detail: 'browsers only store the session cookie over https and on localhost: sign in without it',
  })
}
