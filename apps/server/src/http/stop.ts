import type { Server as HttpServer } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { setImmediate as nextImmediate, setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'

/** How long connections are taken that are made while others are, in milliseconds: they may never end to come. */
const TAKE_MS = 1_000
/** How long clients that keep their connections have to notice that the server stops, in milliseconds. */
const DRAIN_MS = 1_000
const DRAIN_POLL_MS = 20
/** How long a request that was accepted may take to be answered after that, in milliseconds. */
const ANSWER_MS = 10_000

/**
 * Takes the connections that clients have made and the server has not seen yet. A port that closes resets them,
 * with the requests that were sent over them, and a proxy may not send such a request to another server.
 * One is taken in each turn of the event loop, so that none is left after a turn without one. It resolves in that
 * turn: what is to be done before there are others has to be done at once.
 */
export async function takeWaiting(server: HttpServer): Promise<void> {
  if (!server.listening) return
  const deadline = performance.now() + TAKE_MS
  let hasTaken = false
  const note = () => {
    hasTaken = true
  }
  // The turn that this was called in has looked for connections already.
  await nextImmediate()
  server.on('connection', note)
  do {
    hasTaken = false
    await nextImmediate()
  } while (hasTaken && performance.now() < deadline)
  server.off('connection', note)
}

/**
 * Stops to listen, and gives clients that keep their connections a moment to learn of it from an answer, which
 * then says `connection: close`. Closing an idle connection at once would fail a request that is on its way.
 */
export async function drain(server: HttpServer): Promise<void> {
  if (!server.listening) return
  // The HTTP server's own close would end the idle connections too.
  NetServer.prototype.close.call(server)
  const deadline = performance.now() + DRAIN_MS
  while (performance.now() < deadline && (await openConnections(server)) > 0) await wait(DRAIN_POLL_MS)
}

/**
 * Which connections have never said anything: browsers open some in advance, and Node does not count them as idle.
 *
 * @returns ends them.
 */
export function watchSilent(server: HttpServer): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

/** Waits for the answers that are not out yet, but not for ever. */
export async function closeBounded(http: FastifyInstance, log: Logger): Promise<void> {
  // Closing ends the connections that are idle now; the others are once they have their answer.
  const idle = setInterval(() => http.server.closeIdleConnections(), DRAIN_POLL_MS)
  const cut = setTimeout(() => {
    log.warn({ afterMs: ANSWER_MS }, 'requests did not finish in time, closing their connections')
    http.server.closeAllConnections()
  }, ANSWER_MS)
  try {
    await http.close()
  } finally {
    clearInterval(idle)
    clearTimeout(cut)
  }
}

function openConnections(server: HttpServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)))
}
