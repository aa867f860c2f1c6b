import { connect, createServer, type Socket } from 'node:net'
import { listen } from './network.ts'

/** A proxy in front of any TCP server that simulates network failures. */
export interface TcpProxy extends AsyncDisposable {
  /** The target's URL, through the proxy. */
  readonly url: string
  readonly port: number
  /** The number of connected clients. */
  readonly open: number
  /** The number of clients that have connected so far. */
  readonly count: number
  /** The number of connections closed because their budget was spent. */
  readonly broken: number
  /** The number of bytes received from the target so far. */
  readonly bytes: number
  /** The first data of each client. */
  readonly greetings: readonly Buffer[]
  /** Resets every connection. */
  reset(): void
  /** Resets every connection and every new one, until `restore`. */
  refuse(): void
  /** Discards all data without closing connections, like an unplugged cable, until `restore`. */
  stall(): void
  /** New connections work again. Stalled ones stay dead, as behind a firewall that has dropped their state. */
  restore(): void
  /** Resolves when the condition holds. It is checked whenever a connection opens or closes. */
  until(holds: () => boolean): Promise<void>
}

interface ProxyOptions {
  /** The number of bytes from the target that a new connection carries before it is closed. Undefined for no limit. */
  budget?: (() => number | undefined) | undefined
}

/** @param target a URL with a port, of any scheme */
export async function openTcpProxy(target: string, { budget }: ProxyOptions = {}): Promise<TcpProxy> {
  const url = new URL(target)
  const { hostname, port: targetPort } = url
  const clients = new Set<Socket>()
  const upstreams = new Set<Socket>()
  /** Both ends of connections that carry data. */
  const passing = new Set<Socket>()
  const greetings: Buffer[] = []
  const waiting = new Set<() => void>()
  let mode: 'pass' | 'refuse' | 'stall' = 'pass'
  let count = 0
  let broken = 0
  let bytes = 0

  function check(): void {
    for (const waiter of [...waiting]) waiter()
  }

  function accept(client: Socket): void {
    count += 1
    // The other end of the pair closes when this one does.
    client.on('error', () => {})
    if (mode === 'refuse') {
      client.resetAndDestroy()
      return
    }
    clients.add(client)
    client.once('data', (greeting) => greetings.push(greeting))
    client.once('close', () => {
      clients.delete(client)
      check()
    })
    if (mode === 'stall') client.resume()
    else connectUpstream(client)
  }

  function connectUpstream(client: Socket): void {
    const upstream = connect(Number(targetPort), hostname)
    upstreams.add(upstream)
    upstream.on('error', () => {})
    upstream.once('close', () => upstreams.delete(upstream))
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      passing.add(from)
      from.once('close', () => {
        if (passing.delete(from)) to.destroy()
      })
    }
    let left = budget?.() ?? Number.POSITIVE_INFINITY
    client.on('data', (chunk) => {
      if (passing.has(client) && !upstream.write(chunk)) client.pause()
    })
    upstream.on('drain', () => client.resume())
    upstream.on('data', (chunk) => {
      if (!passing.has(upstream)) return
      bytes += chunk.length
      if (chunk.length >= left) {
        broken += 1
        // Data already forwarded reaches the client before the close.
        client.end(chunk.subarray(0, left))
        passing.delete(upstream)
        upstream.destroy()
        return
      }
      left -= chunk.length
      if (!client.write(chunk)) upstream.pause()
    })
    client.on('drain', () => upstream.resume())
  }

  function reset(): void {
    for (const socket of [...clients, ...upstreams]) socket.resetAndDestroy()
  }

  const server = createServer((client) => {
    accept(client)
    check()
  })
  const listening = await listen(server)
  url.host = `127.0.0.1:${listening.port}`
  return {
    url: url.href.replace(/\/$/, ''),
    port: listening.port,
    get open() {
      return clients.size
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
    greetings,
    reset,
    refuse() {
      mode = 'refuse'
      reset()
    },
    stall() {
      mode = 'stall'
      passing.clear()
    },
    restore() {
      mode = 'pass'
    },
    async until(holds) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const checkOnce = () => {
        if (holds()) resolve()
      }
      waiting.add(checkOnce)
      checkOnce()
      await promise
      waiting.delete(checkOnce)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of upstreams) socket.destroy()
      await listening[Symbol.asyncDispose]()
    },
  }
}
