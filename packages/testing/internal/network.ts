import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** Closes the server and its connections on disposal. */
export interface ListeningServer extends AsyncDisposable {
  port: number
}

/** Starts a TCP or HTTP server on a free port. */
export async function listen(server: Server, host = '127.0.0.1'): Promise<ListeningServer> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('a TCP server must have a port')
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Returns a free port, for a process that cannot choose one itself. */
export async function freePort(): Promise<number> {
  await using probe = await listen(createServer())
  return probe.port
}
