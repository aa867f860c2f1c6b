import { SottoError } from '@sotto/contract'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SessionCookie } from '../app/context.ts'
import type { Origins } from './origins.ts'

/**
 * The prefix makes browsers hold it to this host, to TLS and to the path /: no subdomain can set it.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2
 */
const NAME = '__Host-sotto'
const LOCALHOST = /^(.+\.)?localhost$|^127\.[\d.]+$|^\[::1\]$/
const ATTRIBUTES = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' } as const

/** The session's token that a browser sent along, if any. */
export function sessionTokenIn({ headers }: FastifyRequest): string | undefined {
  return headers.cookie === undefined ? undefined : parseCookie(headers.cookie)[NAME]
}

/**
 * A browser sends cookies whoever's page makes it ask, so one counts only for pages that are trusted. An Origin says
 * whose page it is. Browsers leave it out where a page reads from its own server, and then say so otherwise.
 *
 * @throws {SottoError} FORBIDDEN
 */
export function requireTrustedPage(request: FastifyRequest, origins: Origins): void {
  const { origin } = request.headers
  if (origin === undefined ? isOwnRead(request) : origins.isTrusted(origin, request)) return
  throw new SottoError('FORBIDDEN', {
    detail: 'the session cookie is only accepted from pages of this server and of allowed origins',
  })
}

function isOwnRead({ method, headers }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && headers['sec-fetch-site'] === 'same-origin'
}

/** @param isInUse whether the request's caller is known by the cookie. */
export function sessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { origins, isInUse }: { origins: Origins; isInUse: boolean },
): SessionCookie {
  return {
    require() {
      requireTrustedPage(request, origins)
      requireKeepingBrowser(request)
    },
    set(token, expires) {
      reply.header('set-cookie', stringifySetCookie({ name: NAME, value: token, expires, ...ATTRIBUTES }))
    },
    clear() {
      if (!isInUse) return
      reply.header('set-cookie', stringifySetCookie({ name: NAME, value: '', maxAge: 0, ...ATTRIBUTES }))
    },
  }
}

/** Over plain http a browser drops the cookie without a word, and the next request would come from nobody. */
function requireKeepingBrowser({ headers: { origin = '' } }: FastifyRequest): void {
  const page = URL.parse(origin)
  if (page?.protocol === 'https:' || LOCALHOST.test(page?.hostname ?? '')) return
  throw new SottoError('FORBIDDEN', {
    detail: 'browsers only store the session cookie over https and on localhost: sign in without it',
  })
}
