import { type ErrorCode, SottoError } from '@sotto/contract'
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance } from 'fastify'
import type { App } from '../app/app.ts'
import type { Caller } from '../auth/caller.ts'
import { toSottoError } from '../lib/errors.ts'
import { logFailure } from '../lib/log.ts'
import type { Quota } from '../limits/buckets.ts'
import { reportFailure } from '../metrics/reported-calls.ts'
import { appRouter } from '../rpc/router.ts'
import { answerPreflight, isPreflight, setAnswerHeaders } from './answer-headers.ts'
import { registerJsonBody } from './body.ts'
import { nameOfOperation, reportAnswers } from './call-reports.ts'
import { traceCalls } from './call-spans.ts'
import { createContextMaker, requestOrigin } from './caller.ts'
import { CallsUnderWay } from './calls-under-way.ts'
import { registerDocs } from './docs.ts'
import { registerHealth } from './health.ts'
import { malformed, refuseMalformed, requireHost } from './malformed.ts'
import { Origins } from './origins.ts'
import { retryFields, sendProblem } from './problem.ts'
import { rateLimitFields } from './rate-limit-fields.ts'
import { registerRest } from './rest.ts'
import { registerRpc } from './rpc.ts'
import { staticResponses } from './static-responses.ts'
import { registerWebClient } from './web-client.ts'
import { registerWebAssets, webFolder } from './web-files.ts'
import { registerWebSocket } from './websocket.ts'

/** The largest body, in bytes: a text of the greatest length in its longest encoding fits. */
const BODY_LIMIT = 1_048_576
/** How many calls one tRPC request may hold. */
const MAX_BATCH_SIZE = 20
/** A batch's path names each of its procedures. */
const MAX_PARAM_LENGTH = 2_000
/** How long a client may take to send a whole request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 15_000
/** How often connections are held to these two, in milliseconds. */
const TIMEOUT_CHECK_MS = 2_000
/**
 * How long a connection may stand still while it is being answered, in milliseconds. Streams say something more
 * often, a long poll answers before, and who does not read an answer is not waited for.
 */
const STANDSTILL_MS = 60_000
/** Requests and kept connections besides the streams. */
const CONNECTIONS_BESIDES_STREAMS = 10_000

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
  /** Whether the port is being closed: from then on every answer ends its connection. */
  isClosing: () => boolean
  /** Whether the server can do its work: the database answers, its schema is current, no stop has begun. */
  isReady: () => Promise<boolean>
  maxStreams: number
  /** Whether to serve the web client, if it was built. */
  webClient: boolean
  /** Allowed origins in addition to the server's own. */
  allowedOrigins: readonly string[]
  /** Addresses, ranges and names of ranges whose X-Forwarded-* headers are trusted. */
  trustedProxies: readonly string[]
}

/** The whole HTTP surface: /v1, /trpc, the documentation and the health routes. */
export async function createHttpApp({
  app,
  log,
  newRequestId,
  isClosing,
  isReady,
  maxStreams,
  webClient,
  allowedOrigins,
  trustedProxies,
}: HttpOptions): Promise<FastifyInstance> {
  const origins = new Origins(allowedOrigins)
  const http = fastify({
    loggerInstance: log,
    // One line a request, written by the hook below.
    logController: new fastify.LogController({ disableRequestLogging: true }),
    genReqId: (request) => requestIdOf(request.headers['x-request-id']) ?? newRequestId(),
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: STANDSTILL_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // While it stops, the server goes on answering what reaches it.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: refuseMalformed,
    // These come before any hook.
    frameworkErrors: (error, request, reply) => {
      setAnswerHeaders(request, reply, origins)
      sendProblem(reply, fromFastify(error))
    },
  })
  // Whatever a client expects besides 100-continue, it gets an answer.
  http.server.on('checkExpectation', (request, response) => http.routing(request, response))
  http.server.maxConnections = maxStreams + CONNECTIONS_BESIDES_STREAMS
  const createContext = createContextMaker(app, origins)
  const calls = new CallsUnderWay()

  http.decorateRequest('quota', undefined)
  traceCalls(http, app.tracing)
  reportAnswers(http, app.metrics)
  http.addHook('onRequest', (request, reply, done) => {
    setAnswerHeaders(request, reply, origins)
    requireHost(request)
    if (isPreflight(request, origins)) answerPreflight(reply)
    else done()
  })
  http.addHook('onSend', (request, reply, payload, done) => {
    if (isClosing()) reply.header('connection', 'close')
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
        ...request.span.logFields,
      },
      'request',
    )
  })
  http.setErrorHandler((error, request, reply) => {
    const known = request.raw.errored === error ? brokenOff() : toKnown(error)
    request.span.run(() => logFailure(log, known, request.id))
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
  registerRest(http, { createContext, calls })
  const serve = staticResponses(http, (request, reply) =>
    calls.begin(nobody, requestOrigin(request), reply.raw),
  )
  const web = webFolder()
  if (web !== undefined) registerWebAssets(serve, web)
  registerDocs(serve, web)
  if (web !== undefined && webClient) registerWebClient(serve, web)
  await registerRpc(http, {
    router: appRouter,
    maxBatchSize: MAX_BATCH_SIZE,
    createContext: async ({ req, res, info }) => {
      // The head of a streamed batch has gone out before its calls have their answers.
      const reply = req.headers['trpc-accept'] === 'application/jsonl' ? undefined : res
      const transport = info.type === 'subscription' ? 'stream' : 'rpc'
      const context = { ...(await createContext(req, { reply, transport })), gone: () => info.signal }
      if (transport === 'rpc') {
        return { ...context, holdAnswer: calls.begin(context.caller, context, res.raw).hold }
      }
      return { ...context, hangUp: () => req.raw.socket.destroy() }
    },
    responseMeta: ({ errors }) => ({
      headers: new Headers({
        ...retryFields(errors.map(toSottoError)),
        // Besides what tRPC says itself that its answers vary by.
        ...(origins.matter && { vary: 'origin' }),
      }),
    }),
    onError({ error, req, path, type }) {
      const transport = type === 'subscription' ? 'stream' : 'rpc'
      reportFailure(app, { operation: nameOfOperation(path), transport, requestId: req.id }, error)
    },
  })
  await registerWebSocket(http, {
    maxBatchSize: MAX_BATCH_SIZE,
    maxPayload: BODY_LIMIT,
    maxSockets: maxStreams,
    origins,
    // One that says nothing costs as much as a stream.
    admit: (request) => app.limits.charge('streams', nobody, requestOrigin(request)),
    createContext,
    onError(error, request, path) {
      const operation = nameOfOperation(path)
      reportFailure(app, { operation, transport: 'ws', requestId: request.id }, error)
    },
  })
  return http
}

/** Keeps a caller's own id of a request, when it is one that a log can hold. */
function requestIdOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : undefined
}

const fastifyCodes: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_NOT_FOUND: 'ROUTE_NOT_FOUND',
  FST_ERR_MAX_PARAM_LENGTH: 'ROUTE_NOT_FOUND',
}

/** The body came to no end: the caller has gone, and nobody reads the answer. */
function brokenOff(): SottoError {
  return malformed('the body ended early', 'must be complete')
}

function toKnown(error: unknown): SottoError {
  return isFastifyError(error) ? fromFastify(error) : toSottoError(error)
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
