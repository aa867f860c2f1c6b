import type { Duplex } from 'node:stream'
import websocket, { type WebSocket } from '@fastify/websocket'
import { type ErrorShape, SottoError } from '@sotto/contract'
import { getWSConnectionHandler } from '@trpc/server/adapters/ws'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../app/context.ts'
import { appRouter, isProcedure } from '../rpc/router.ts'
import { HEARTBEAT_MS } from '../rpc/trpc.ts'
import type { Credentials } from './caller.ts'
import { malformed, refuseConnection } from './malformed.ts'
import type { Origins } from './origins.ts'
import { type Arrival, SocketLimit } from './socket-limit.ts'

/** How much can be buffered for a client that does not read, in bytes. */
const MAX_BUFFERED_BYTES = 262_144
/** Streams resume sending below this, in bytes. */
const LOW_WATER_MARK_BYTES = 65_536
/** ws allows 16 times as many. Each fragment costs memory beyond its content, and a message might never end. */
const MAX_FRAGMENTS = 1_024
/** Twice the number of ordinary packets that the largest message needs. */
const MAX_BUFFERED_CHUNKS = 2_048
const PONG_WAIT_MS = 5_000
/** How long a client has to authenticate and to send its first message, in milliseconds. */
const INTRODUCTION_MS = 10_000
/** Close codes of RFC 6455 and its registry. */
const POLICY_VIOLATION = 1008
const SERVICE_RESTART = 1012
const TRY_AGAIN_LATER = 1013

interface Options {
  maxBatchSize: number
  maxPayload: number
  maxSockets: number
  origins: Origins
  /** @throws {SottoError} RATE_LIMITED if the caller cannot open another WebSocket. */
  admit: (request: FastifyRequest) => Promise<void>
  /**
   * Charges a call that no procedure receives.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  chargeUnknown: (request: FastifyRequest) => Promise<void>
  /** Authenticates with the headers of the connection, or with the parameters that the client sent first. */
  createContext: (
    request: FastifyRequest,
    options: { credentials: Credentials; transport: 'ws' },
  ) => Promise<Context>
  onError: (error: unknown, request: FastifyRequest, path?: string) => void
}

/** Serves the router over WebSocket at /trpc, for tRPC's `wsLink`. */
export async function registerWebSocket(app: FastifyInstance, options: Options): Promise<void> {
  // Protocol errors of clients, for which ws has already closed the connection. Not reported as failures of the server.
  const protocolErrors = new WeakSet<Error>()
  await app.register(websocket, {
    // Compression stays off, the default of ws, so a small message cannot expand into a large one.
    options: {
      maxPayload: options.maxPayload,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_BUFFERED_CHUNKS,
      // One message per turn of the event loop: a client that sends thousands at once must not block others.
      allowSynchronousEvents: false,
    },
    errorHandler(error, socket, request) {
      if (protocolErrors.has(error)) return
      options.onError(error, request)
      socket.terminate()
    },
  })
  app.websocketServer.on('wsClientError', (error: Error, socket: Duplex) =>
    refuseConnection(malformed(error.message, 'must be a WebSocket handshake'), socket),
  )
  let sockets = 0
  const limit = new SocketLimit()

  app.get(
    '/trpc',
    {
      websocket: true,
      exposeHeadRoute: false,
      config: { call: { operation: 'unknown', transport: 'ws' } },
      async preValidation(request) {
        requireTrustedOrigin(request, options.origins)
        if (sockets >= options.maxSockets) {
          throw new SottoError('UNAVAILABLE', {
            detail: 'the server has reached its limit of open connections',
          })
        }
        await options.admit(request)
      },
    },
    (socket, request) => {
      sockets++
      socket.once('close', () => sockets--)
      socket.prependListener('error', (error: Error) => protocolErrors.add(error))
      const arrival = arrive(limit, request, socket)
      if (!arrival) return
      const introduction = new Introduction(socket)
      const chargeUnknown = () => void options.chargeUnknown(request).catch(() => disconnect(socket))
      const reader = new CallReader(request, { refuse: () => disconnect(socket), chargeUnknown })

      // tRPC's adapter sends without backpressure. Streams wait for `drained`. Clients that otherwise request more than
      // they read are disconnected.
      const send = socket.send.bind(socket)
      const drainWaiters = new Set<() => void>()
      const notifyDrained = () => {
        if (socket.bufferedAmount > LOW_WATER_MARK_BYTES && socket.readyState === socket.OPEN) return
        for (const resolve of drainWaiters) resolve()
        drainWaiters.clear()
      }
      socket.once('close', notifyDrained)
      socket.send = (data: Parameters<typeof send>[0]) => {
        if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.close(TRY_AGAIN_LATER, 'too slow')
        else send(data, notifyDrained)
      }
      const drained = async () => {
        if (socket.bufferedAmount <= LOW_WATER_MARK_BYTES) return
        await new Promise<void>((resolve) => {
          drainWaiters.add(resolve)
        })
      }

      getWSConnectionHandler({
        wss: app.websocketServer,
        router: appRouter,
        maxBatchSize: options.maxBatchSize,
        keepAlive: { enabled: true, pingMs: HEARTBEAT_MS, pongWaitMs: PONG_WAIT_MS },
        experimental_encoder: reader,
        async createContext({ info }) {
          const credentials = credentialsOf(request, info.connectionParams)
          // What arrives meanwhile stays in the socket.
          socket.pause()
          const context = await options
            .createContext(request, { credentials, transport: 'ws' })
            .finally(() => socket.resume())
          arrival.identify(context.caller)
          introduction.identified()
          return {
            ...context,
            reauthenticate: async () =>
              (await options.createContext(request, { credentials, transport: 'ws' })).caller,
            drained,
            disconnected: () => info.signal,
            // tRPC sends the response before this iteration of the event loop ends.
            onSent: (work) =>
              setImmediate(() => {
                if (socket.readyState === socket.OPEN) work()
              }),
            hangUp: (reason) =>
              reason === 'slow'
                ? socket.close(TRY_AGAIN_LATER, reason)
                : socket.close(SERVICE_RESTART, reason),
          } satisfies Context
        },
        onError: ({ error, path }) => {
          // tRPC clients only send calls. Other clients are disconnected before they can send a million messages.
          if (path === undefined && error.code === 'PARSE_ERROR') disconnect(socket)
          // An error without a cause is tRPC's own: the call has reached no procedure, which would charge it.
          else if (!error.cause) chargeUnknown()
          if (!error.cause || !protocolErrors.has(error.cause)) options.onError(error, request, path)
        },
      })(socket, request.raw)
    },
  )
}

/** Counts a new WebSocket, or closes it if there are too many from its address. */
function arrive(limit: SocketLimit, request: FastifyRequest, socket: WebSocket): Arrival | undefined {
  try {
    return limit.arrive(request.ip, socket)
  } catch {
    socket.close(TRY_AGAIN_LATER, 'too many connections without credentials from this address')
    return undefined
  }
}

/** Closes a WebSocket that does not authenticate and send a message in time. Its heartbeats do not count. */
class Introduction {
  readonly #timer: NodeJS.Timeout
  #missing = 2

  constructor(socket: WebSocket) {
    // A client that does not authenticate might not answer a close frame either.
    this.#timer = setTimeout(() => {
      socket.close(TRY_AGAIN_LATER, 'not authenticated in time')
      setTimeout(() => socket.terminate(), PONG_WAIT_MS).unref()
    }, INTRODUCTION_MS)
    this.#timer.unref()
    socket.once('message', () => this.#arrived())
    socket.once('close', () => clearTimeout(this.#timer))
  }

  /** The caller is known. */
  identified(): void {
    this.#arrived()
  }

  #arrived(): void {
    this.#missing--
    if (this.#missing === 0) clearTimeout(this.#timer)
  }
}

/** The encoded form of an empty object. */
const NO_INPUT = { json: {} }
const methods = new Set(['query', 'mutation', 'subscription'])

interface ReaderOptions {
  /** Called for a message that is not a call. */
  refuse: () => void
  /** Called for a call that no procedure receives. */
  chargeUnknown: () => void
}

/** Decodes messages, and encodes answers as tRPC does. */
class CallReader {
  readonly #options: ReaderOptions
  readonly #requestId: string
  #expectsParams: boolean

  constructor({ id, query }: FastifyRequest, options: ReaderOptions) {
    this.#options = options
    this.#requestId = id
    this.#expectsParams = (query as Record<string, unknown>).connectionParams === '1'
  }

  encode(data: unknown): string {
    const response = data as { id?: unknown; error?: { json: ErrorShape } }
    // The response to a message whose input cannot be decoded.
    if (response.id === null) this.#options.chargeUnknown()
    // An error without a context, such as refused credentials.
    if (response.error) response.error.json.data.requestId ||= this.#requestId
    return JSON.stringify(data)
  }

  decode(data: string | ArrayBuffer | Uint8Array): unknown {
    try {
      const message: unknown = JSON.parse(
        typeof data === 'string' ? data : Buffer.from(data as Uint8Array).toString(),
      )
      if (this.#expectsParams) {
        this.#expectsParams = false
        return message
      }
      return Array.isArray(message) ? message.map(toCall) : toCall(message)
    } catch (error) {
      this.#options.refuse()
      throw error
    }
  }
}

/** Drops the input of an unknown procedure: it must not be read before the call is charged. */
function toCall(message: unknown): unknown {
  const { id, method, params } = fieldsOf(message)
  if (method === 'subscription.stop') return message
  const { path, ...rest } = fieldsOf(params)
  // tRPC reports a missing id.
  const isCall =
    id !== undefined && typeof path === 'string' && typeof method === 'string' && methods.has(method)
  if (!isCall) throw new Error('the message must be a call')
  return isProcedure(path, method) ? message : { id, method, params: { ...rest, path, input: NO_INPUT } }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('the message must be an object')
  return value as Record<string, unknown>
}

/** Closes the connection with a reason, and ignores further messages. */
function disconnect(socket: WebSocket): void {
  socket.removeAllListeners('message')
  socket.close(POLICY_VIOLATION, 'not a call')
  setImmediate(() => socket.terminate())
}

/** Other sites' pages must not use the credentials that browsers send automatically. */
function requireTrustedOrigin(request: FastifyRequest, origins: Origins): void {
  const { origin } = request.headers
  if (origin === undefined || origins.isTrusted(origin, request)) return
  throw new SottoError('FORBIDDEN', { detail: 'this origin is not allowed to open a WebSocket' })
}

function credentialsOf(request: FastifyRequest, params: Record<string, unknown> | null): Credentials {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return {
    authorization: text(params?.authorization) ?? request.headers.authorization,
    actAs: text(params?.actAs) ?? text(request.headers['act-as']),
    expectedUser: text(params?.expectedUser) ?? text(request.headers['expected-user']),
  }
}
