import { SottoError } from '@sotto/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app/app.ts'
import type { Context } from '../app/context.ts'
import { actorOf, type Caller } from '../auth/caller.ts'
import { isSessionToken } from '../identity/secrets.ts'
import { toSottoError } from '../lib/errors.ts'
import { isTighter } from '../limits/buckets.ts'
import type { Origin } from '../limits/origin.ts'
import type { Transport } from '../metrics/metrics.ts'
import type { Origins } from './origins.ts'
import { requireTrustedPage, sessionCookie, sessionTokenIn } from './session-cookie.ts'

/** How much of what a client calls itself is kept, in characters. */
const MAX_USER_AGENT_LENGTH = 256

export interface Credentials {
  authorization: string | undefined
  actAs: string | undefined
}

interface ContextOptions {
  transport: Transport
  /** Instead of those in the request's headers. */
  credentials?: Credentials
  /** Where it is still to be begun, and can carry a cookie. */
  reply?: FastifyReply | undefined
}

/** What tells the use cases who makes a request, and where it came from. */
export function createContextMaker(app: App, origins: Origins) {
  return async (
    request: FastifyRequest,
    { transport, credentials = credentialsIn(request), reply }: ContextOptions,
  ): Promise<Context> => {
    // Whoever says who they are means it, whatever their browser sends along.
    const token = credentials.authorization === undefined ? sessionTokenIn(request) : undefined
    if (token !== undefined) requireTrustedPage(request, origins)
    const origin = requestOrigin(request)
    const caller = await (token === undefined
      ? authenticate(app, credentials, origin)
      : callerByCookie(app, token, credentials.actAs, origin))
    const isInUse = token !== undefined && caller.kind !== 'anonymous'
    return {
      app,
      caller,
      actor: actorOf(caller),
      requestId: request.id,
      transport,
      ...origin,
      userAgent: request.headers['user-agent']?.slice(0, MAX_USER_AGENT_LENGTH) ?? null,
      ...(reply && { sessionCookie: sessionCookie(request, reply, { origins, isInUse }) }),
      outcome: { repeated: false },
    }
  }
}

/** Whoever shows what is not valid is nobody, and is limited like nobody. */
async function authenticate(
  app: App,
  { authorization, actAs }: Credentials,
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
 * A page cannot take back a cookie whose session has ended, and must be able to log in again: it is nobody's. Nor is
 * there anything but sessions in it.
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
  const actAs = headers['act-as']
  return { authorization: headers.authorization, actAs: Array.isArray(actAs) ? actAs.join(', ') : actAs }
}
