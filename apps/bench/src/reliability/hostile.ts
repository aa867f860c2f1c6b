import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { ProbeReport, ProbeTarget } from './probe.ts'
import { SERVICE_KEY, type ServerUnderTest } from './processes.ts'

/** The effect of an attack on other clients. */
export interface HostileReport {
  seconds: number
  /** The longest response time of /healthz over other connections, in milliseconds. */
  worstMs: number
  /** The server's peak memory, in MB. */
  peakMB: number
  /** Connections of the attack that the server closed. */
  endedByServer: number
  connections: number
}

interface Attack {
  connections: number
  /** Resolves when the attack is over. Its connections are closed afterwards. */
  run: (open: () => Socket) => Promise<unknown>
}

const MEBIBYTE = 1_048_576

const post = `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${SERVICE_KEY}\r\n`
const upgrade =
  'GET /trpc HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

/** By name, in the order they run. */
const attacks: Readonly<Record<string, Attack>> = {
  // The server allows 15 s for headers and 30 s for a whole request, and checks every 2 s.
  'slow headers': {
    connections: 1_000,
    run: (open) => drip(open, 1_000, 'GET / HTTP/1.1\r\nhost: x\r\na: ', 20),
  },
  'slow bodies': {
    connections: 1_000,
    run: (open) => drip(open, 1_000, `${post}content-length: 5000\r\n\r\n`, 35),
  },
  // Idle connections are closed after 60 s.
  'idle connections': { connections: 1_000, run: (open) => drip(open, 1_000, '', 65) },
  'endless chunks': {
    connections: 100,
    run: (open) =>
      flood(open, 100, `${post}transfer-encoding: chunked\r\n\r\n`, `10000\r\n${'x'.repeat(65_536)}\r\n`),
  },
  'responses never read': {
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
    run: (open) => each(10_000, 50, () => send(open(), upgrade, malformedFrame())),
  },
  'invalid messages': {
    connections: 20,
    run: async (open) => {
      const message = frame(0x81, Buffer.from('{"id":null,"method":"query","params":{"path":"x"}}'))
      await each(20, 20, () =>
        send(open(), upgrade, Buffer.concat(Array.from({ length: 5_000 }, () => message))),
      )
    },
  },
  'endless fragments': {
    connections: 100,
    run: (open) => {
      const fragments = Array.from({ length: 100_000 }, () => frame(0x00, Buffer.from('x')))
      const bytes = Buffer.concat([frame(0x01, Buffer.from('x')), ...fragments])
      return each(100, 20, () => send(open(), upgrade, bytes))
    },
  },
  'large JSON bodies': {
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
        return send(
          open(),
          `${post}connection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
          Buffer.from(body),
        )
      })
    },
  },
  'not HTTP': {
    connections: 2_000,
    run: (open) => each(2_000, 50, () => send(open(), 'x'.repeat(100_000), Buffer.alloc(0))),
  },
}

/** Runs the attacks one at a time, while a probe checks that the server still responds. */
export async function measureHostile(server: ServerUnderTest): Promise<Record<string, HostileReport>> {
  const port = Number(new URL(server.url).port)
  const reports: Record<string, HostileReport> = {}
  for (const [name, { connections, run }] of Object.entries(attacks)) {
    const sockets: Socket[] = []
    let endedByServer = 0
    const open = () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      // Only reading reveals that the server has closed the connection.
      socket.resume()
      socket.once('close', () => endedByServer++)
      sockets.push(socket)
      return socket
    }
    const startedAt = performance.now()
    const probe = startProbe(server)
    await run(open)
    const observed = await probe.stop()
    reports[name] = {
      seconds: Math.round((performance.now() - startedAt) / 1_000),
      worstMs: Math.round(observed.worstMs),
      peakMB: Math.round(observed.peakMB),
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

/** Opens connections that send the beginning immediately, then a byte per second. */
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

/** Opens connections that send the same data repeatedly, as fast as possible, until the server closes them. */
async function flood(open: () => Socket, count: number, beginning: string, repeated: string): Promise<void> {
  const sockets = Array.from({ length: count }, open)
  for (const socket of sockets) {
    socket.write(beginning)
    const more = () => {
      while (socket.writable && socket.write(repeated));
    }
    socket.on('drain', more)
    more()
  }
  await Promise.race([Promise.all(sockets.map(closed)), wait(10_000)])
}

/** Sends two parts, then waits until the server closes the connection, or for 5 s. */
async function send(socket: Socket, first: string, second: Buffer): Promise<void> {
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

async function each(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
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
