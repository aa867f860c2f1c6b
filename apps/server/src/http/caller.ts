import { invalidInput, SottoError } from '@sotto/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app/app.ts'
import type { Context } from '../app/context.ts'
import { actorOf, type Caller, decodeRef } from '../auth/caller.ts'
import { isSessionToken } from '../identity/secrets.ts'
import { toSottoError } from '../lib/errors.ts'
import { isTighter } from '../limits/buckets.ts'
import type { Origin } from '../limits/origin.ts'
import type { Transport } from '../metrics/metrics.ts'
import type { Origins } from './origins.ts'
import { requireTrustedPage, sessionCookie, sessionTokenIn } from './session-cookie.ts'

/** Longer User-Agent values are cut off. In characters. */
const MAX_USER_AGENT_LENGTH = 256

export interface Credentials {
  authorization: string | undefined
  actAs: string | undefined
  expectedUser: string | undefined
}

interface ContextOptions {
  transport: Transport
  /** Used instead of the request's headers. */
  credentials?: Credentials
  /** Set if the response has not started, so that it can carry a cookie. */
  reply?: FastifyReply | undefined
}

/** Returns a function that authenticates a request and creates its context. */
export function createContextMaker(app: App, origins: Origins) {
  return async (
    request: FastifyRequest,
    { transport, credentials = credentialsIn(request), reply }: ContextOptions,
  ): Promise<Context> => {
    // An Authorization header takes precedence over the cookie, which browsers send automatically.
    const token = credentials.authorization === undefined ? sessionTokenIn(request) : undefined
    if (token !== undefined) requireTrustedPage(request, origins)
    const origin = requestOrigin(request)
    const { authorization } = credentials
    const actAs = decodeRefIn('Act-As', credentials.actAs)
    const expectedUser = decodeRefIn('Expected-User', credentials.expectedUser)
    const caller = await (token === undefined
      ? authenticate(app, { authorization, actAs }, origin)
      : callerByCookie(app, token, actAs, origin))
    const isAuthenticated = token !== undefined && caller.kind !== 'anonymous'
    return {
      app,
      caller,
      actor: actorOf(caller),
      expectedUser,
      requestId: request.id,
      transport,
      ...origin,
      userAgent: request.headers['user-agent']?.slice(0, MAX_USER_AGENT_LENGTH) ?? null,
      ...(reply && { sessionCookie: sessionCookie(request, reply, { origins, isAuthenticated }) }),
      outcome: { repeated: false },
    }
  }
}

/** Charges a failed attempt to the limit of anonymous callers. */
async function authenticate(
  app: App,
  { authorization, actAs }: Pick<Credentials, 'authorization' | 'actAs'>,
  origin: Origin,
): Promise<Caller> {
  try {
    return await app.identity.authenticate(authorization, actAs, origin)
  } catch (error) {
    if (toSottoError(error).code === 'UNAUTHENTICATED') {
      await app.limits.charge('reads', { kind: 'anonymous' }, origin)
    }
    throw error
  }
}

/**
 * The caller is anonymous if the session has ended: a page cannot delete the cookie, and must still be able to sign in.
 * The cookie only accepts session tokens.
 */
async function callerByCookie(
  app: App,
  token: string,
  actAs: string | undefined,
  origin: Origin,
): Promise<Caller> {
  const authorization = isSessionToken(token) ? `Bearer ${token}` : undefined
  try {
    return await authenticate(app, { authorization, actAs }, origin)
  } catch (error) {
    if (error instanceof SottoError && error.code === 'UNAUTHENTICATED') return { kind: 'anonymous' }
    throw error
  }
}

/** Header values are ASCII, and an external id can be any text. */
function decodeRefIn(header: string, encoded: string | undefined): string | undefined {
  if (encoded === undefined) return undefined
  const ref = decodeRef(encoded)
  if (ref === undefined) throw invalidInput(header, 'must be percent-encoded UTF-8')
  return ref
}

/** Where a request came from. */
export function requestOrigin(request: FastifyRequest): Origin {
  return {
    address: request.ip,
    onQuota(quota) {
      if (!request.quota || isTighter(quota, request.quota)) request.quota = quota
    },
  }
}

function credentialsIn({ headers }: FastifyRequest): Credentials {
  const textOf = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(', ') : value)
  return {
    authorization: headers.authorization,
    actAs: textOf(headers['act-as']),
    expectedUser: textOf(headers['expected-user']),
  }
}
