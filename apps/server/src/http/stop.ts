import type { Server as HttpServer } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { setImmediate as nextImmediate, setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'

/** The maximum time to accept pending connections, in milliseconds: new ones may keep arriving. */
const ACCEPT_MS = 1_000
/** How long keep-alive clients have to notice that the server is stopping, in milliseconds. */
const DRAIN_MS = 1_000
const DRAIN_POLL_MS = 20
/** How long accepted requests have to finish after that, in milliseconds. */
const FINISH_MS = 10_000

/**
 * Accepts the connections that clients have opened and the server has not accepted yet. Closing the port would reset
 * them together with their requests, which a proxy may not be allowed to retry on another server.
 *
 * Node accepts one connection per turn of the event loop, so none are pending after a turn without one. Resolves in
 * that turn: the caller must close the port synchronously, before new connections arrive.
 */
export async function acceptPending(server: HttpServer): Promise<void> {
  if (!server.listening) return
  const deadline = performance.now() + ACCEPT_MS
  let hasAccepted = false
  const onConnection = () => {
    hasAccepted = true
  }
  // The current turn has already accepted its connections.
  await nextImmediate()
  server.on('connection', onConnection)
  do {
    hasAccepted = false
    await nextImmediate()
  } while (hasAccepted && performance.now() < deadline)
  server.off('connection', onConnection)
}

/**
 * Stops listening, and gives keep-alive clients a moment to receive a response with `connection: close`. Closing idle
 * connections immediately would fail a request that is already on its way.
 */
export async function drain(server: HttpServer, maxMs = DRAIN_MS): Promise<void> {
  if (!server.listening) return
  // The HTTP server's own `close` would also close idle connections.
  NetServer.prototype.close.call(server)
  const deadline = performance.now() + maxMs
  while (performance.now() < deadline && (await openConnections(server)) > 0) await wait(DRAIN_POLL_MS)
}

/**
 * Tracks connections on which nothing was ever received: browsers open some in advance, and Node does not treat them as
 * idle.
 *
 * @returns a function that closes them.
 */
export function trackUnusedConnections(server: HttpServer): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

/** Closes the server once pending responses have been sent, or after ten seconds. */
export async function closeWithDeadline(http: FastifyInstance, log: Logger): Promise<void> {
  // `close` only closes connections that are idle now. Others become idle once their response has been sent.
  const idle = setInterval(() => http.server.closeIdleConnections(), DRAIN_POLL_MS)
  const timeout = setTimeout(() => {
    log.warn({ afterMs: FINISH_MS }, 'requests did not finish in time, closing their connections')
    http.server.closeAllConnections()
  }, FINISH_MS)
  try {
    await http.close()
  } finally {
    clearInterval(idle)
    clearTimeout(timeout)
  }
}

function openConnections(server: HttpServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)))
}
