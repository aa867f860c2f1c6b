import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'undici'
import { type BenchDatabase, databaseFactories, postgresCommits } from './databases.ts'
import { figuresOf } from './load.ts'
import { SERVICE_KEY, type ServerProcess, startServer } from './server-process.ts'
import { call, withServer } from './statements.ts'
import { formatInteger, formatMegabytes, printTable } from './table.ts'

const PAIRS = 500
const RATES = [100, 1_000, 2_000]
const IDLE_STREAMS = 10_000
/** The server's limit per user. */
const STREAMS_PER_USER = 20
const SEND_CONNECTIONS = 64
const TICK_MS = 10

/**
 * Measures the latency from the call of a send to its event at the recipient, the memory of idle streams, and
 * reconnects after a restart.
 */
export async function measureRealtime(
  kind: keyof typeof databaseFactories,
  settings: { seconds: number },
): Promise<void> {
  await using database = await databaseFactories[kind]()
  await createPairs(database.url)
  await measureLatency(database, settings.seconds)
  await measureIdleStreams(database)
  await measureReconnects(database)
}

function createPairs(url: string): Promise<void> {
  return withServer(url, async (server) => {
    for (let pair = 0; pair < PAIRS; pair++) {
      await call(server, 'POST', '/v1/users', { username: `sender-${pair}` })
      await call(server, 'POST', '/v1/users', { username: `reader-${pair}` })
      await call(server, 'POST', '/v1/messages', {
        from: `sender-${pair}`,
        to: `reader-${pair}`,
        text: 'first',
      })
    }
  })
}

async function measureLatency(database: BenchDatabase, seconds: number): Promise<void> {
  const rows: string[][] = []
  for (const rate of RATES) {
    await using server = await startServer(database.url)
    const latencies: number[] = []
    const streams: EventStream[] = []
    for (let pair = 0; pair < PAIRS; pair++) {
      streams.push(new EventStream(server, `sender-${pair}`, () => {}))
      streams.push(
        new EventStream(server, `reader-${pair}`, (text) => {
          for (const [, sentAt] of text.matchAll(/"text":"sent at ([\d.]+)"/g)) {
            latencies.push(performance.now() - Number(sentAt))
          }
        }),
      )
    }
    await Promise.all(streams.map((stream) => stream.connected))
    const sent = await sendAtRate(server, rate, seconds)
    while (latencies.length < sent) await wait(TICK_MS)
    for (const stream of streams) stream.close()
    const figures = figuresOf([{ latencies, seconds }])
    rows.push([
      formatInteger(rate),
      formatInteger(sent / seconds),
      figures.p50.toFixed(1),
      figures.p95.toFixed(1),
      figures.p99.toFixed(1),
      formatMegabytes(await server.memory()),
    ])
  }
  printTable([`${database.name}: sends per second`, 'achieved', 'p50 ms', 'p95 ms', 'p99 ms', 'memory'], rows)
}

/** Sends at a fixed rate, whether or not the responses keep up. Each text contains its time. */
async function sendAtRate({ url }: ServerProcess, rate: number, seconds: number): Promise<number> {
  const pool = new Pool(url, { connections: SEND_CONNECTIONS, pipelining: 1 })
  const headers = { authorization: `Bearer ${SERVICE_KEY}`, 'content-type': 'application/json' }
  const responses: Promise<void>[] = []
  const startedAt = performance.now()
  for (let sent = 0; sent < rate * seconds; ) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - startedAt) / 1_000) * rate))
    for (; sent < due; sent++) {
      const pair = sent % PAIRS
      const body = JSON.stringify({
        from: `sender-${pair}`,
        to: `reader-${pair}`,
        text: `sent at ${performance.now()}`,
      })
      responses.push(
        pool.request({ method: 'POST', path: '/v1/messages', headers, body }).then(async (response) => {
          const text = await response.body.text()
          if (response.statusCode !== 201) throw new Error(`a send returned ${response.statusCode}: ${text}`)
        }),
      )
    }
    await wait(TICK_MS)
  }
  await Promise.all(responses)
  await pool.close()
  return rate * seconds
}

async function measureIdleStreams(database: BenchDatabase): Promise<void> {
  await using server = await startServer(database.url)
  const before = await server.memory()
  const streams: EventStream[] = []
  for (let index = 0; index < IDLE_STREAMS; index++) {
    streams.push(new EventStream(server, `reader-${Math.floor(index / STREAMS_PER_USER)}`, () => {}))
    if (index % 200 === 199) await Promise.all(streams.slice(-200).map((stream) => stream.connected))
  }
  await Promise.all(streams.map((stream) => stream.connected))
  await wait(2_000)
  const after = await server.memory()
  for (const stream of streams) stream.close()
  console.log(
    `${database.name}: ${formatInteger(IDLE_STREAMS)} idle streams take ${formatMegabytes(after - before)}, ${formatMegabytes(after)} in total\n`,
  )
}

/** Measures a restart with 1,000 streams: how long until all have reconnected, and how many transactions that takes. */
async function measureReconnects(database: BenchDatabase): Promise<void> {
  const first = await startServer(database.url)
  const streams = Array.from(
    { length: 2 * PAIRS },
    (_, index) => new EventStream(first, `${index % 2 ? 'reader' : 'sender'}-${index >> 1}`, () => {}, true),
  )
  await Promise.all(streams.map((stream) => stream.connected))
  const commitsBefore = await postgresCommits(database)
  const startedAt = performance.now()
  for (const stream of streams) stream.expectReconnect()
  await first[Symbol.asyncDispose]()
  await using second = await startServer(database.url, [], new URL(first.url).port)
  await Promise.all(streams.map((stream) => stream.connected))
  const seconds = (performance.now() - startedAt) / 1_000
  const commitsAfter = await postgresCommits(database)
  for (const stream of streams) stream.close()
  const work =
    commitsBefore === undefined || commitsAfter === undefined
      ? ''
      : `, ${formatInteger(commitsAfter - commitsBefore)} transactions in the meantime`
  console.log(
    `${database.name}: ${formatInteger(streams.length)} streams reconnected within ${seconds.toFixed(1)} s of the stop, the server was ready after ${formatInteger(second.startMs)} ms${work}\n`,
  )
}

/** A reader of /v1/events over a plain socket, to keep the cost of reading low. */
class EventStream {
  connected: Promise<void>
  #resolve: () => void = () => {}
  #socket: Socket | undefined
  #closed = false
  #lastEventId = ''
  #retryMs = 500
  readonly #server: ServerProcess
  readonly #user: string
  readonly #onText: (text: string) => void
  readonly #reconnects: boolean

  constructor(server: ServerProcess, user: string, onText: (text: string) => void, reconnects = false) {
    this.#server = server
    this.#user = user
    this.#onText = onText
    this.#reconnects = reconnects
    this.connected = this.#expect()
    this.#open()
  }

  /** Makes `connected` resolve at the next connection. */
  expectReconnect(): void {
    this.connected = this.#expect()
  }

  close(): void {
    this.#closed = true
    this.#socket?.destroy()
  }

  #expect(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  #open(): void {
    const { hostname, port } = new URL(this.#server.url)
    const socket = connect(Number(port), hostname)
    this.#socket = socket
    const resume = this.#lastEventId ? `Last-Event-ID: ${this.#lastEventId}\r\n` : ''
    socket.write(
      `GET /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${SERVICE_KEY}\r\nAct-As: ${this.#user}\r\n${resume}\r\n`,
    )
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      const ids = [...text.matchAll(/^id: (\S+)$/gm)]
      this.#lastEventId = ids.at(-1)?.[1] ?? this.#lastEventId
      this.#retryMs = Number(/^retry: (\d+)$/m.exec(text)?.[1] ?? this.#retryMs)
      if (text.includes(': connected')) this.#resolve()
      this.#onText(text)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#reconnects && !this.#closed) setTimeout(() => this.#open(), this.#retryMs)
    })
  }
}
