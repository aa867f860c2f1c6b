import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { ProbeReport, ProbeTarget } from './probe.ts'
import { SERVICE_KEY, type ServerUnderTest } from './processes.ts'

/** What an attack did to everybody else. */
export interface HostileReport {
  seconds: number
  /** How long /healthz took at most, in milliseconds, asked from other connections meanwhile. */
  worstMs: number
  /** The most memory that the server held, in MB. */
  peakMB: number
  /** Connections of the attack that the server had ended by itself. */
  endedByServer: number
  connections: number
}

interface Attack {
  connections: number
  /** Resolves when it is over; what it opened is closed afterwards. */
  run: (open: () => Socket) => Promise<unknown>
}

const MEBIBYTE = 1_048_576

const post = `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${SERVICE_KEY}\r\n`
const upgrade =
  'GET /trpc HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

/** By name, in the order in which they are run. */
const attacks: Readonly<Record<string, Attack>> = {
  // The server gives 15 s for headers and 30 s for a whole request, and looks every 2 s.
  'slow headers': {
    connections: 1_000,
    run: (open) => drip(open, 1_000, 'GET / HTTP/1.1\r\nhost: x\r\na: ', 20),
  },
  'slow bodies': {
    connections: 1_000,
    run: (open) => drip(open, 1_000, `${post}content-length: 5000\r\n\r\n`, 35),
  },
  // Nothing moves on these, for 60 s.
  silence: { connections: 1_000, run: (open) => drip(open, 1_000, '', 65) },
  'chunks without end': {
    connections: 100,
    run: (open) =>
      flood(open, 100, `${post}transfer-encoding: chunked\r\n\r\n`, `10000\r\n${'x'.repeat(65_536)}\r\n`),
  },
  'answers that nobody reads': {
    connections: 500,
    run: async (open) => {
      for (let i = 0; i < 500; i++) {
        const socket = open()
        socket.pause()
        socket.write('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(10))
      }
      await wait(10_000)
    },
  },
  'malformed frames': {
    connections: 10_000,
    run: (open) => each(10_000, 50, () => say(open(), upgrade, malformedFrame())),
  },
  'messages that are no calls': {
    connections: 20,
    run: async (open) => {
      const message = frame(0x81, Buffer.from('{"id":null,"method":"query","params":{"path":"x"}}'))
      await each(20, 20, () =>
        say(open(), upgrade, Buffer.concat(Array.from({ length: 5_000 }, () => message))),
      )
    },
  },
  'pieces without end': {
    connections: 100,
    run: (open) => {
      const pieces = Array.from({ length: 100_000 }, () => frame(0x00, Buffer.from('x')))
      const bytes = Buffer.concat([frame(0x01, Buffer.from('x')), ...pieces])
      return each(100, 20, () => say(open(), upgrade, bytes))
    },
  },
  'JSON of a mebibyte': {
    connections: 400,
    run: (open) => {
      const bodies = [
        `{"to":"bob","text":${'9'.repeat(MEBIBYTE - 100)}}`,
        `{"to":"bob","text":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
        `{${Array.from({ length: 70_000 }, (_, i) => `"f${i}":1`).join()}}`,
        `{"__proto__":"${'x'.repeat(MEBIBYTE - 100)}"}`,
      ]
      return each(400, 4, (i) => {
        const body = bodies[i % bodies.length] ?? ''
        return say(
          open(),
          `${post}connection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
          Buffer.from(body),
        )
      })
    },
  },
  'no HTTP': {
    connections: 2_000,
    run: (open) => each(2_000, 50, () => say(open(), 'x'.repeat(100_000), Buffer.alloc(0))),
  },
}

/** Attacks the server, one way after the other, while somebody else asks whether it lives. */
export async function measureHostile(server: ServerUnderTest): Promise<Record<string, HostileReport>> {
  const port = Number(new URL(server.url).port)
  const reports: Record<string, HostileReport> = {}
  for (const [name, { connections, run }] of Object.entries(attacks)) {
    const sockets: Socket[] = []
    let endedByServer = 0
    const open = () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      // That the server ends it is seen only by reading on.
      socket.resume()
      socket.once('close', () => endedByServer++)
      sockets.push(socket)
      return socket
    }
    const began = performance.now()
    const probe = startProbe(server)
    await run(open)
    const seen = await probe.stop()
    reports[name] = {
      seconds: Math.round((performance.now() - began) / 1_000),
      worstMs: Math.round(seen.worstMs),
      peakMB: Math.round(seen.peakMB),
      endedByServer,
      connections,
    }
    console.log(`${name}: ${JSON.stringify(reports[name])}`)
    for (const socket of sockets) socket.destroy()
    await wait(500)
  }
  return reports
}

function startProbe({ url, pid }: ServerUnderTest) {
  const workerData: ProbeTarget = { url, pid }
  const worker = new Worker(new URL('./probe.ts', import.meta.url), { workerData })
  return {
    async stop(): Promise<ProbeReport> {
      worker.postMessage('stop')
      const [report] = await once(worker, 'message')
      return report as ProbeReport
    },
  }
}

/** Opens connections that say the beginning at once, and then a byte a second. */
async function drip(open: () => Socket, count: number, beginning: string, seconds: number): Promise<void> {
  const sockets = Array.from({ length: count }, () => {
    const socket = open()
    if (beginning !== '') socket.write(beginning)
    return socket
  })
  for (let second = 0; second < seconds; second++) {
    await wait(1_000)
    if (beginning !== '') for (const socket of sockets) if (socket.writable) socket.write('x')
  }
}

/** Opens connections that say the same again and again, as fast as it is taken, until the server has enough. */
async function flood(open: () => Socket, count: number, beginning: string, again: string): Promise<void> {
  const sockets = Array.from({ length: count }, open)
  for (const socket of sockets) {
    socket.write(beginning)
    const more = () => {
      while (socket.writable && socket.write(again));
    }
    socket.on('drain', more)
    more()
  }
  await Promise.race([Promise.all(sockets.map(closed)), wait(10_000)])
}

/** Says two things, and waits until the server closes, or for long enough. */
async function say(socket: Socket, first: string, second: Buffer): Promise<void> {
  socket.write(first)
  socket.write(second)
  await Promise.race([closed(socket), wait(5_000)])
  socket.destroy()
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve()
    else socket.once('close', () => resolve())
  })
}

async function each(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await work(next++)
    }),
  )
}

/** A client's WebSocket frame, masked with zeros. */
function frame(firstByte: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([firstByte, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}

function malformedFrame(): Buffer {
  return Buffer.from(Array.from({ length: 32 }, () => 0x70 | Math.floor(Math.random() * 256)))
}
