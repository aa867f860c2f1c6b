import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'

/** What happens to the bytes from the server. */
export interface Weather {
  /** How many bytes from the server a new connection passes on before it breaks; undefined for all of them. */
  budget?: (() => number | undefined) | undefined
}

export interface TcpProxy extends AsyncDisposable {
  url: string
  /** Connections that are open now. */
  readonly open: number
  /** Connections so far. */
  readonly count: number
  /** Connections that broke because their budget was spent. */
  readonly broken: number
  /** Bytes from the server so far. */
  readonly bytes: number
  /** Breaks every connection, and each new one at once, until `up`. */
  down(): void
  up(): void
  /** Connections of now stay open and carry nothing any more. */
  freeze(): void
  /** Resolves when it holds, looked at whenever a connection comes or goes. */
  until(holds: () => boolean): Promise<void>
}

/** A network that misbehaves: carries TCP to the server at `target`, as well as it is told to. */
export async function startTcpProxy(target: string, { budget }: Weather = {}): Promise<TcpProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  let isDown = false
  let count = 0
  let broken = 0
  let bytes = 0
  const look = () => {
    for (const one of [...waiting]) one()
  }

  const server = createServer((client) => {
    count += 1
    if (isDown) {
      client.destroy()
      look()
      return
    }
    const upstream = connect(Number(port), hostname)
    sockets.add(client)
    let left = budget?.() ?? Number.POSITIVE_INFINITY
    const end = () => {
      client.destroy()
      upstream.destroy()
      sockets.delete(client)
      look()
    }
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
    client.pipe(upstream)
    upstream.on('data', (chunk) => {
      bytes += chunk.length
      if (chunk.length >= left) {
        broken += 1
        // What was passed on reaches the client before the end does.
        client.end(chunk.subarray(0, left))
        upstream.destroy()
        return
      }
      left -= chunk.length
      if (!client.write(chunk)) upstream.pause()
    })
    client.on('drain', () => upstream.resume())
    client.once('sotto:freeze', () => {
      client.unpipe(upstream)
      client.removeAllListeners('drain')
      upstream.removeAllListeners('data')
      upstream.pause()
    })
    look()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()

  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    get open() {
      return sockets.size
    },
    get count() {
      return count
    },
    get broken() {
      return broken
    },
    get bytes() {
      return bytes
    },
    down() {
      isDown = true
      for (const socket of sockets) socket.destroy()
    },
    up() {
      isDown = false
    },
    freeze() {
      for (const socket of sockets) socket.emit('sotto:freeze')
    },
    async until(holds) {
      if (holds()) return
      await new Promise<void>((resolve) => {
        const check = () => {
          if (!holds()) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
      })
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
