import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The way to a PostgreSQL, with things that happen to networks. */
export interface Relay extends AsyncDisposable {
  /** The target's, but over this way. */
  readonly url: string
  /** Which databases were asked for, in order. */
  readonly databases: readonly string[]
  /** Breaks every connection without a good-bye. */
  reset(): void
  /** From now on nothing comes through, and nobody is told. */
  cut(): void
  /** New connections come through again. Those from before stay dead, as after a failover. */
  mend(): void
}

export async function startRelay(target: URL): Promise<Relay> {
  const ends = new Set<Socket>()
  const passing = new Set<Socket>()
  const databases: string[] = []
  let isCut = false
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from)
      if (!isCut) passing.add(from)
      from.on('data', (data) => {
        if (passing.has(from)) to.write(data)
      })
      from.on('error', () => {})
      from.once('close', () => {
        ends.delete(from)
        if (passing.delete(from)) to.destroy()
      })
    }
    near.once('data', (greeting) => {
      const [, name] = /database\0([^\0]+)/.exec(String(greeting)) ?? []
      if (name) databases.push(name)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    databases,
    reset() {
      for (const end of ends) end.resetAndDestroy()
    },
    cut() {
      isCut = true
      passing.clear()
    },
    mend() {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      for (const end of ends) end.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
