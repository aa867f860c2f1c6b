import { type ErrorCode, SottoError } from '@sotto/contract'
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
} from 'fastify'
import type { App } from '../app/app.ts'
import type { Caller } from '../auth/caller.ts'
import { toSottoError } from '../lib/errors.ts'
import { logFailure } from '../lib/log.ts'
import type { Quota } from '../limits/buckets.ts'
import { reportFailure } from '../metrics/reported-calls.ts'
import { MAX_BATCH_SIZE } from '../rpc/request.ts'
import { registerJsonBody, requirePlainBody } from './body.ts'
import { nameOfOperation, reportResponses } from './call-reports.ts'
import { traceCalls } from './call-spans.ts'
import { createContextMaker, requestOrigin } from './caller.ts'
import { CallsInProgress } from './calls-in-progress.ts'
import { registerCompression } from './compression.ts'
import { registerDocs } from './docs.ts'
import { ExportsInProgress } from './exports-in-progress.ts'
import { normalizeForwardedFor } from './forwarded-for.ts'
import { registerHealth } from './health.ts'
import { malformed, refuseMalformed, requireHost } from './malformed.ts'
import { Origins } from './origins.ts'
import { sendProblem } from './problem.ts'
import { rateLimitFields } from './rate-limit-fields.ts'
import { answerPreflight, isPreflight, setResponseHeaders } from './response-headers.ts'
import { registerRest } from './rest.ts'
import { registerRpc } from './rpc.ts'
import { staticResponses } from './static-responses.ts'
import { registerWebClient } from './web-client.ts'
import { registerWebAssets, webFolder } from './web-files.ts'
import { registerWebSocket } from './websocket.ts'

/** The maximum body size, in bytes, unless longer texts are allowed. */
const BODY_LIMIT = 1_048_576
/** The longest encoding of a character in JSON: two escapes such as `\ud83d`. */
const MAX_CHARACTER_BYTES = 12
/** For the rest of the body that contains a text of maximum length. */
const OTHER_BYTES = 65_536
/** In characters. The path of a batch contains the name of each procedure. */
const MAX_PARAM_LENGTH = 2_000
/** How long a client has to send a whole request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 15_000
/** How often these two limits are enforced, in milliseconds. */
const TIMEOUT_CHECK_MS = 2_000
/**
 * How long a connection can be idle while a response is pending, in milliseconds. Streams send heartbeats more often,
 * long polls respond earlier, and clients that do not read their response are disconnected.
 */
const IDLE_TIMEOUT_MS = 60_000
/** The maximum number of connections that are not streams: requests and keep-alive connections. */
const OTHER_CONNECTIONS = 10_000

const anonymous: Caller = { kind: 'anonymous' }

declare module 'fastify' {
  interface FastifyRequest {
    /** The remaining quota of the limit that the request is closest to exceeding. */
    quota: Quota | undefined
  }
}

export interface HttpOptions {
  app: App
  log: FastifyBaseLogger
  newRequestId: () => string
  /** Whether the server is closing its port. Responses then close their connection. */
  isClosing: () => boolean
  /** Whether the server can serve requests: the database responds, the schema is current, and it is not stopping. */
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
  const origins = new Origins(allowedOrigins, log)
  const bodyLimit = Math.max(BODY_LIMIT, app.maxTextLength * MAX_CHARACTER_BYTES + OTHER_BYTES)
  const http = fastify({
    loggerInstance: withoutInfo(log),
    // The hook below logs one line per request.
    logController: new fastify.LogController({ disableRequestLogging: true }),
    // One logger for all requests: each line has its request's id as a field.
    childLoggerFactory: (logger) => logger,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']) ?? newRequestId(),
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    bodyLimit,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // A stopping server still serves the requests that reach it.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: refuseMalformed,
    // These errors occur before any hook.
    frameworkErrors: (error, request, reply) => {
      setResponseHeaders(request, reply, origins)
      sendProblem(reply, fromFastify(error))
    },
  })
  // Handles the request as usual. By default, Node answers an Expect other than 100-continue with a bare 417.
  http.server.on('checkExpectation', (request, response) => http.routing(request, response))
  http.server.maxConnections = maxStreams + OTHER_CONNECTIONS
  const createContext = createContextMaker(app, origins)
  const calls = new CallsInProgress()
  const chargeUnknown = (request: FastifyRequest) =>
    app.limits.charge('reads', anonymous, requestOrigin(request))

  http.decorateRequest('quota', undefined)
  http.addHook('onRequest', (request, _reply, done) => {
    normalizeForwardedFor(request.raw)
    done()
  })
  traceCalls(http, app.tracing)
  reportResponses(http, app.metrics)
  http.addHook('onRequest', (request, reply, done) => {
    setResponseHeaders(request, reply, origins)
    requireHost(request)
    origins.reportRefused(request)
    requirePlainBody(request, reply)
    if (isPreflight(request, origins)) answerPreflight(reply)
    else done()
  })
  // Before the body is read.
  http.addHook('onRequest', async (request) => {
    if (request.is404) await chargeUnknown(request)
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
        // Without the query, which may contain search terms.
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ...request.span.logFields,
      },
      'request',
    )
  })
  http.setErrorHandler((error, request, reply) => {
    const known = request.raw.errored === error ? incompleteBody() : toKnown(error)
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
    for (const each of [method].flat()) routes.push({ method: each, pattern })
  })

  registerJsonBody(http)
  await registerCompression(http)
  registerHealth(http, isReady)
  registerRest(http, { createContext, calls, exports: new ExportsInProgress() })
  const serve = staticResponses(http, (request, reply) =>
    calls.begin(anonymous, requestOrigin(request), reply.raw),
  )
  const web = webFolder()
  if (web !== undefined) registerWebAssets(serve, web)
  registerDocs(serve, web)
  if (web !== undefined && webClient) registerWebClient(serve, web)
  await registerRpc(http, {
    app,
    variesByOrigin: origins.affectResponses,
    createContext,
    calls,
    chargeUnknown,
  })
  await registerWebSocket(http, {
    maxBatchSize: MAX_BATCH_SIZE,
    maxPayload: bodyLimit,
    maxSockets: maxStreams,
    origins,
    // A silent WebSocket costs as much as a stream.
    admit: (request) => app.limits.charge('streams', anonymous, requestOrigin(request)),
    chargeUnknown,
    createContext,
    onError(error, request, path) {
      const operation = nameOfOperation(path)
      reportFailure(app, { operation, transport: 'ws', requestId: request.id }, error)
    },
  })
  return http
}

/** Fastify logs where it listens, for each address. The server does so itself, in a form that suits its reader. */
function withoutInfo(log: FastifyBaseLogger): FastifyBaseLogger {
  const logsInfo = ['trace', 'debug', 'info'].includes(log.level)
  return log.child({}, { level: logsInfo ? 'warn' : log.level })
}

/** Accepts the client's request id if it is safe to log. */
function requestIdOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : undefined
}

const fastifyCodes: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_NOT_FOUND: 'ROUTE_NOT_FOUND',
  FST_ERR_MAX_PARAM_LENGTH: 'ROUTE_NOT_FOUND',
}

/** The client disconnected while sending the body, so it will not see this error. */
function incompleteBody(): SottoError {
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
  const isClientError = error.statusCode !== undefined && error.statusCode < 500
  return isClientError
    ? new SottoError('INVALID_INPUT', {
        detail: error.message,
        issues: [{ path: '', message: error.message }],
        cause: error,
      })
    : new SottoError('INTERNAL', { cause: error })
}
