import type { Duplex } from 'node:stream'
import websocket, { type WebSocket } from '@fastify/websocket'
import { SottoError } from '@sotto/contract'
import { getWSConnectionHandler } from '@trpc/server/adapters/ws'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../app/context.ts'
import { appRouter } from '../rpc/router.ts'
import { HEARTBEAT_MS } from '../rpc/trpc.ts'
import type { Credentials } from './caller.ts'
import { malformed, refuseConnection } from './malformed.ts'
import type { Origins } from './origins.ts'
import { SocketHolders } from './socket-holders.ts'

/** How much may wait in a socket for a client that does not read, in bytes. */
const MAX_BUFFERED_BYTES = 262_144
/** Below it a stream hands on more. */
const LOW_BYTES = 65_536
/** Of a message in pieces that never ends, each piece costs more than it holds: ws takes sixteen times as many. */
const MAX_FRAGMENTS = 1_024
/** The largest message in packets of the usual size, and again as many. */
const MAX_BUFFERED_CHUNKS = 2_048
const PONG_WAIT_MS = 5_000
/** How long a client that comes with nothing may stay silent, in milliseconds. */
const FIRST_MESSAGE_MS = 10_000
/** RFC 6455 and its registry: what came is not taken here; the server restarts; try again later. */
const POLICY_VIOLATION = 1008
const SERVICE_RESTART = 1012
const TRY_AGAIN_LATER = 1013

interface Options {
  maxBatchSize: number
  maxPayload: number
  maxSockets: number
  origins: Origins
  /** Whether one more may be opened. */
  admit: (request: FastifyRequest) => Promise<void>
  /** Who calls, from the connection's headers or from what the client sent first. */
  createContext: (
    request: FastifyRequest,
    options: { credentials: Credentials; transport: 'ws' },
  ) => Promise<Context>
  onError: (error: unknown, request: FastifyRequest, path?: string) => void
}

/** Serves the router over WebSocket at /trpc, for tRPC's `wsLink`. */
export async function registerWebSocket(app: FastifyInstance, options: Options): Promise<void> {
  // What ws found wrong with what a client sent, and has closed the connection for: no failure of ours.
  const brokenFrames = new WeakSet<Error>()
  await app.register(websocket, {
    // Its compression is off as ws has it, so a small message stays small.
    options: {
      maxPayload: options.maxPayload,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_BUFFERED_CHUNKS,
      // One message a turn: who sends thousands at once does not keep all others waiting.
      allowSynchronousEvents: false,
    },
    errorHandler(error, socket, request) {
      if (brokenFrames.has(error)) return
      options.onError(error, request)
      socket.terminate()
    },
  })
  app.websocketServer.on('wsClientError', (error: Error, socket: Duplex) =>
    refuseConnection(malformed(error.message, 'must be a WebSocket handshake'), socket),
  )
  let sockets = 0
  const holders = new SocketHolders()

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
      socket.prependListener('error', (error: Error) => brokenFrames.add(error))
      const silence = setTimeout(() => socket.close(TRY_AGAIN_LATER, 'nothing was said'), FIRST_MESSAGE_MS)
      silence.unref()
      socket.once('message', () => clearTimeout(silence))
      socket.once('close', () => clearTimeout(silence))

      // tRPC's adapter sends without looking whether anybody reads. Streams wait for `drained`; who asks for more
      // than they read besides is cut off.
      const send = socket.send.bind(socket)
      const waiting = new Set<() => void>()
      const wake = () => {
        if (socket.bufferedAmount > LOW_BYTES && socket.readyState === socket.OPEN) return
        for (const resolve of waiting) resolve()
        waiting.clear()
      }
      socket.once('close', wake)
      socket.send = (data: Parameters<typeof send>[0]) => {
        if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.close(TRY_AGAIN_LATER, 'too slow')
        else send(data, wake)
      }
      const drained = async () => {
        if (socket.bufferedAmount <= LOW_BYTES) return
        await new Promise<void>((resolve) => {
          waiting.add(resolve)
        })
      }

      getWSConnectionHandler({
        wss: app.websocketServer,
        router: appRouter,
        maxBatchSize: options.maxBatchSize,
        keepAlive: { enabled: true, pingMs: HEARTBEAT_MS, pongWaitMs: PONG_WAIT_MS },
        async createContext({ info }) {
          const credentials = credentialsOf(request, info.connectionParams)
          const context = await options.createContext(request, { credentials, transport: 'ws' })
          holders.hold(context.caller, socket)
          return {
            ...context,
            reauthenticate: async () =>
              (await options.createContext(request, { credentials, transport: 'ws' })).caller,
            drained,
            hangUp: (reason) =>
              reason === 'slow'
                ? socket.close(TRY_AGAIN_LATER, reason)
                : socket.close(SERVICE_RESTART, reason),
          } satisfies Context
        },
        onError: ({ error, path }) => {
          // No client of tRPC says what is no call: whoever does could say it a million times.
          if (path === undefined && error.code === 'PARSE_ERROR') cutOff(socket)
          if (!error.cause || !brokenFrames.has(error.cause)) options.onError(error, request, path)
        },
      })(socket, request.raw)
    },
  )
}

/** Says why, and reads nothing that comes after. */
function cutOff(socket: WebSocket): void {
  socket.removeAllListeners('message')
  socket.close(POLICY_VIOLATION, 'not a call')
  setImmediate(() => socket.terminate())
}

/** A page of somebody else's must not use what a browser sends along. */
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
  }
}
