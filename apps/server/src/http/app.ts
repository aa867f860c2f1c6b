import type { Socket } from 'node:net'
import { type ErrorCode, SottoError } from '@sotto/contract'
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
} from 'fastify'
import type { App, Caller, Context, Origin } from '../context.ts'
import { toSottoError } from '../errors.ts'
import { isTighter, type Quota } from '../limits/buckets.ts'
import { appRouter } from '../rpc/router.ts'
import { registerJsonBody } from './body.ts'
import { registerDocs } from './docs.ts'
import { registerHealth } from './health.ts'
import { PROBLEM_TYPE, retryFields, sendProblem, toProblem } from './problem.ts'
import { rateLimitFields } from './rate-limit-fields.ts'
import { registerRest } from './rest.ts'
import { registerRpc } from './rpc.ts'
import { type Credentials, registerWebSocket } from './websocket.ts'

/** The largest body, in bytes: a text of the greatest length in its longest encoding fits. */
const BODY_LIMIT = 1_048_576
/** How many calls one tRPC request may hold. */
const MAX_BATCH_SIZE = 20
/** A batch's path names each of its procedures. */
const MAX_PARAM_LENGTH = 2_000
/** How long a client may take to send a whole request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 15_000

const nobody: Caller = { kind: 'anonymous' }

declare module 'fastify' {
  interface FastifyRequest {
    /** What is left of the limit that the request came the nearest to. */
    quota: Quota | undefined
  }
}

export interface HttpOptions {
  app: App
  log: FastifyBaseLogger
  newRequestId: () => string
  /** Whether a stop has begun: from then on every answer ends its connection. */
  isStopping: () => boolean
  /** Whether the server can do its work: the database answers, its schema is current, no stop has begun. */
  isReady: () => Promise<boolean>
  maxStreams: number
  allowedOrigins: readonly string[]
}

/** The whole HTTP surface: /v1, /trpc, the documentation and the health routes. */
export async function createHttpApp({
  app,
  log,
  newRequestId,
  isStopping,
  isReady,
  maxStreams,
  allowedOrigins,
}: HttpOptions): Promise<FastifyInstance> {
  const http = fastify({
    loggerInstance: log,
    // One line a request, written by the hook below.
    logController: new fastify.LogController({ disableRequestLogging: true }),
    genReqId: (request) => requestIdOf(request.headers['x-request-id']) ?? newRequestId(),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // While it stops, the server goes on answering what reaches it.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: refuseMalformed,
    // These come before any hook.
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id)
      sendProblem(reply, fromFastify(error))
    },
  })

  async function createContext(
    request: FastifyRequest,
    { authorization, actAs }: Credentials = {
      authorization: request.headers.authorization,
      actAs: headerText(request.headers['act-as']),
    },
  ): Promise<Context> {
    const origin = originOf(request)
    const caller = await app.identity.authenticate(authorization, actAs, origin).catch(async (error) => {
      // Whoever shows what is not valid is nobody, and is limited like nobody.
      if (toSottoError(error).code === 'UNAUTHENTICATED') await app.limits.charge('reads', nobody, origin)
      throw error
    })
    return { app, caller, requestId: request.id, ...origin, outcome: { repeated: false } }
  }

  http.decorateRequest('quota', undefined)
  http.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  http.addHook('onSend', (request, reply, payload, done) => {
    if (isStopping()) reply.header('connection', 'close')
    if (request.quota) reply.headers(rateLimitFields(request.quota))
    done(null, payload)
  })
  http.addHook('onResponse', async (request, reply) => {
    log.info(
      {
        requestId: request.id,
        method: request.method,
        // Without the query, which may hold what people search for.
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
  })
  http.setErrorHandler((error, request, reply) => {
    const known = isFastifyError(error) ? fromFastify(error) : toSottoError(error)
    logFailure(log, known, request.id)
    return sendProblem(reply, known)
  })
  http.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const allowed = routes.filter((route) => route.pattern.test(path)).map((route) => route.method)
    if (allowed.length === 0) return sendProblem(reply, new SottoError('ROUTE_NOT_FOUND'))
    reply.header('allow', allowed.join(', '))
    return sendProblem(reply, new SottoError('METHOD_NOT_ALLOWED'))
  })

  const routes: { method: string; pattern: RegExp }[] = []
  http.addHook('onRoute', ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`)
    for (const one of [method].flat()) routes.push({ method: one, pattern })
  })

  registerJsonBody(http)
  registerHealth(http, isReady)
  registerRest(http, { router: appRouter, createContext })
  await registerDocs(http)
  await registerRpc(http, {
    router: appRouter,
    maxBatchSize: MAX_BATCH_SIZE,
    createContext: async ({ req, info }) => {
      const context = { ...(await createContext(req)), gone: () => info.signal }
      if (info.type !== 'subscription') return context
      return { ...context, hangUp: () => req.raw.socket.destroy() }
    },
    responseMeta: ({ errors }) => ({ headers: retryFields(errors.map(toSottoError)) }),
    onError: ({ error, req }) => logFailure(log, toSottoError(error), req.id),
  })
  await registerWebSocket(http, {
    maxBatchSize: MAX_BATCH_SIZE,
    maxPayload: BODY_LIMIT,
    maxSockets: maxStreams,
    allowedOrigins,
    // One that says nothing costs as much as a stream.
    admit: (request) => app.limits.charge('streams', nobody, originOf(request)),
    createContext,
    onError: (error, request) => logFailure(log, toSottoError(error), request.id),
  })
  return http
}

/** Keeps a caller's own id of a request, when it is one that a log can hold. */
function requestIdOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : undefined
}

function originOf(request: FastifyRequest): Origin {
  return {
    address: request.ip,
    onQuota(quota) {
      if (!request.quota || isTighter(quota, request.quota)) request.quota = quota
    },
  }
}

function headerText(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header
}

/** What nobody foresaw is logged whole; what a caller did wrong is theirs. */
function logFailure(log: FastifyBaseLogger, error: SottoError, requestId: string): void {
  if (error.code === 'INTERNAL') log.error({ requestId, err: error.cause }, 'request failed')
  if (error.code === 'UNAVAILABLE') log.warn({ requestId, err: error.cause }, 'database not available')
}

const fastifyCodes: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_NOT_FOUND: 'ROUTE_NOT_FOUND',
  FST_ERR_MAX_PARAM_LENGTH: 'ROUTE_NOT_FOUND',
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('FST_')
}

function fromFastify(error: FastifyError): SottoError {
  const code = fastifyCodes[error.code]
  if (code) return new SottoError(code, { cause: error })
  const isCallers = error.statusCode !== undefined && error.statusCode < 500
  return isCallers
    ? new SottoError('INVALID_INPUT', {
        detail: error.message,
        issues: [{ path: '', message: error.message }],
        cause: error,
      })
    : new SottoError('INTERNAL', { cause: error })
}

/** Answers what is not HTTP, or comes too slowly, before there is a request. */
function refuseMalformed(this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const message = isSlow ? 'takes a whole request in time' : 'takes HTTP/1.1'
  const problem = toProblem(
    new SottoError('INVALID_INPUT', {
      detail: isSlow ? 'the request took too long' : 'this is not HTTP',
      issues: [{ path: '', message }],
    }),
    '',
  )
  const body = JSON.stringify(problem)
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 400 Bad Request\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroy(error)
}
