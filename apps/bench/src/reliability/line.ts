import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a port that can be cut off. */
export interface Line extends AsyncDisposable {
  readonly port: number
  /** From now on nothing comes through, and nobody is told: as with a cable that is pulled. */
  cut(): void
  /** New connections come through again. Those from before the cut stay dead, as behind a firewall that forgot them. */
  mend(): void
}

/** Passes on what comes to a port of its own, until it is cut. */
export async function makeLine(toPort: number): Promise<Line> {
  const sockets = new Set<Socket>()
  const passing = new Set<Socket>()
  let isCut = false

  function keep(socket: Socket): void {
    sockets.add(socket)
    passing.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      passing.delete(socket)
    })
    // The other side of the pair is closed by the one that hears of it.
    socket.on('error', () => {})
  }

  const server = createServer((from) => {
    keep(from)
    if (isCut) {
      passing.delete(from)
      from.resume()
      return
    }
    const to = connect(toPort, '127.0.0.1')
    keep(to)
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      a.on('data', (data) => {
        if (passing.has(a)) b.write(data)
      })
      a.once('close', () => {
        if (passing.has(b)) b.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true
      passing.clear()
    },
    mend() {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
