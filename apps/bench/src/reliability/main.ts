import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openTcpProxy } from '@sotto/testing/internal'
import { measureGroups } from './groups.ts'
import { measureHostile } from './hostile.ts'
import { makeLoad, type Report } from './load.ts'
import { measurePaused } from './paused.ts'
import { makePostgres, makeRedis, makeServer } from './processes.ts'
import { Reader } from './reader.ts'
import { measureWebhooks, webhookSettings } from './webhooks.ts'

/*
 * Injects faults many times to check that they have no consequences. Each run ends with a line that reports any losses,
 * and exits with code 1 if there were any.
 */

const HELP = `Usage: pnpm reliability <scenario> [options]

  disconnects   readers are disconnected at random moments while messages are sent
  groups        users are added to groups and removed while everyone sends and readers are disconnected
  server        the server is killed under load
  postgres      PostgreSQL is killed under load
  paused        two hundred readers stop reading while messages are sent to them
  redis         Redis is killed, paused and cut off under load, with two servers
  webhooks      one receiver works, others fail, hang, redirect to an internal address or are unreachable; the server is killed
  hostile       malicious connections: slow, endless, malformed, very many

  --on sqlite,postgres   databases (disconnects, groups, server, paused, webhooks)
  --servers N            number of servers (disconnects, groups; more than one requires PostgreSQL)
  --times N              disconnects (1000; groups: 300), kills of the server (50) or PostgreSQL (20), faults of Redis (12)
  --messages N           messages to send (disconnects: 20000, groups: 5000)
  --seconds N, --rate N  duration (paused: 60, webhooks: 20), and messages per second (1000, 200)
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    on: { type: 'string', default: 'sqlite,postgres' },
    servers: { type: 'string', default: '1' },
    times: { type: 'string' },
    messages: { type: 'string' },
    seconds: { type: 'string' },
    rate: { type: 'string' },
  },
})

async function makeDatabase(stack: AsyncDisposableStack, kind: string) {
  if (kind === 'postgres') return stack.use(await makePostgres())
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-reliability-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  return { url: `file:${path.join(directory, 'sotto.db')}` }
}

async function makeServers(stack: AsyncDisposableStack, kind: string): Promise<string[]> {
  const database = await makeDatabase(stack, kind)
  const urls: string[] = []
  for (let i = 0; i < Number(values.servers); i++) urls.push(stack.use(await makeServer(database.url)).url)
  return urls
}

async function groups(kind: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const urls = await makeServers(stack, kind)
  const report = await measureGroups(urls, {
    messages: Number(values.messages ?? 5_000),
    disconnects: Number(values.times ?? 300),
  })
  console.log(`groups on ${kind}: ${JSON.stringify(report)}`)
  const { undelivered, outside, disordered, resyncs } = report
  if (undelivered + outside + disordered + resyncs > 0) process.exitCode = 1
}

async function disconnects(kind: string): Promise<Report> {
  await using stack = new AsyncDisposableStack()
  const urls = await makeServers(stack, kind)
  const load = await makeLoad(urls, 10)
  const times = Number(values.times ?? 1_000)
  const total = Number(values.messages ?? 20_000)
  let done = false
  const acknowledgedNow = () => [...load.acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0)
  const cutting = (async () => {
    for (let cuts = 0; cuts < times; cuts++) {
      // Spreads disconnects over the whole run, whatever its speed.
      while (!done && acknowledgedNow() < (cuts / times) * total) await wait(1)
      await wait(Math.random() * 3)
      load.readers[Math.floor(Math.random() * load.readers.length)]?.disconnect()
    }
  })()
  await load.send({ count: total })
  done = true
  await cutting
  return await load.finish()
}

async function serverKills(kind: string): Promise<Report> {
  await using stack = new AsyncDisposableStack()
  const database = await makeDatabase(stack, kind)
  const server = stack.use(await makeServer(database.url))
  const load = await makeLoad([server.url], 8)
  let over = false
  const sending = load.send({ count: Number.POSITIVE_INFINITY, isOver: () => over })
  for (let i = 0; i < Number(values.times ?? 50); i++) {
    await wait(100 + Math.random() * 400)
    await server.kill()
    await server.start()
  }
  over = true
  await sending
  return await load.finish()
}

async function postgresKills(): Promise<Report> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await makePostgres())
  const server = stack.use(await makeServer(database.url))
  const load = await makeLoad([server.url], 8)
  let over = false
  const sending = load.send({ count: Number.POSITIVE_INFINITY, isOver: () => over })
  for (let i = 0; i < Number(values.times ?? 20); i++) {
    await wait(500 + Math.random() * 1_000)
    await database.kill()
    await database.start()
  }
  await wait(1_000)
  over = true
  await sending
  return await load.finish()
}

/** The time within which servers detect a dead connection that was not closed, in milliseconds. */
const DETECTED_MS = 12_000
/** The maximum latency of a hint, in milliseconds: far below the poll interval of one second. */
const MAX_HINT_MS = 200

async function redisFaults(): Promise<Report> {
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await makeRedis())
  const database = stack.use(await makePostgres())
  const proxy = stack.use(await openTcpProxy(`redis://127.0.0.1:${redis.port}`))
  const env = { REDIS_URL: proxy.url }
  const first = stack.use(await makeServer(database.url, env))
  const second = stack.use(await makeServer(database.url, env))
  const load = await makeLoad([first.url, second.url], 8)
  let over = false
  const sending = load.send({ count: Number.POSITIVE_INFINITY, isOver: () => over })
  const times = Number(values.times ?? 12)
  for (let i = 0; i < times; i++) {
    await wait(500)
    if (i % 3 === 0) {
      await redis.kill()
      await wait(500)
      await redis.start()
    } else if (i % 3 === 1) {
      redis.pause()
      await wait(2_000)
      redis.resume()
    } else {
      proxy.stall()
      await wait(2_000)
      proxy.restore()
      await wait(DETECTED_MS)
    }
  }
  over = true
  await sending
  // Hints must have recovered: a message sent to one server is read from the other long before the poll.
  const probe = new Reader('reader0', 'sse', [second.url], await load.cursorOf('reader0'))
  await wait(3_000)
  const latencies: number[] = []
  for (let i = 0; i < 21; i++) {
    const { size } = probe.tally.messageIds
    const before = performance.now()
    await load.send({ count: 1, urls: [first.url] })
    while (probe.tally.messageIds.size === size) await wait(1)
    latencies.push(Math.round(performance.now() - before))
  }
  await probe.stop()
  const median = latencies.toSorted((x, y) => x - y)[10] ?? Number.NaN
  console.log(`from one server to the other: ${median} ms (median of ${latencies.length})`)
  if (median > MAX_HINT_MS) process.exitCode = 1
  return await load.finish()
}

/** The maximum memory growth caused by paused readers, in megabytes. */
const MAX_GROWN_MB = 100

async function paused(kind: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const database = await makeDatabase(stack, kind)
  const server = stack.use(await makeServer(database.url))
  const report = await measurePaused(server, Number(values.seconds ?? 60), Number(values.rate ?? 1_000))
  console.log(`paused on ${kind}: ${JSON.stringify(report)}`)
  const { consumers, cutOff, gaps, resyncs, undelivered, grownMB } = report
  if (cutOff < consumers || gaps + resyncs + undelivered > 0 || grownMB > MAX_GROWN_MB) process.exitCode = 1
}

async function webhooks(kind: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const database = await makeDatabase(stack, kind)
  const server = stack.use(await makeServer(database.url, webhookSettings))
  const report = await measureWebhooks(server, Number(values.seconds ?? 20), Number(values.rate ?? 200))
  console.log(`webhooks on ${kind}: ${JSON.stringify(report, (_, value) => rounded(value))}`)
  if (report.missing + report.inside > 0) process.exitCode = 1
}

/** Rounds numbers to one decimal. */
function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value
}

/** The maximum response time for other clients during an attack, in milliseconds. */
const MAX_WAIT_MS = 1_000
/** The maximum memory of the server during an attack, in megabytes. V8 does not collect garbage before it has to. */
const MAX_MEMORY_MB = 1_536

async function hostile(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const database = await makeDatabase(stack, 'sqlite')
  // All connections come from one address, so rate limits would hide their effect.
  const off = Object.fromEntries(['LOGINS', 'READS', 'STREAMS'].map((name) => [`SOTTO_LIMIT_${name}`, 'off']))
  const server = stack.use(await makeServer(database.url, { ...off, LOG_LEVEL: 'silent' }))
  const { pid } = server
  const reports = Object.values(await measureHostile(server))
  const isAlive = (await fetch(`${server.url}/readyz`)).ok && server.pid === pid
  const isWithinLimits = reports.every(
    ({ worstMs, peakMB }) => worstMs <= MAX_WAIT_MS && peakMB <= MAX_MEMORY_MB,
  )
  if (!isAlive || !isWithinLimits) process.exitCode = 1
}

const runs: Record<string, (kind: string) => Promise<Report>> = {
  disconnects,
  server: serverKills,
  postgres: postgresKills,
  redis: redisFaults,
}
const run = runs[positionals[0] ?? '']
/** Scenarios with their own form of report. */
const others: Record<string, (kind: string) => Promise<void>> = { paused, groups, webhooks }
const other = others[positionals[0] ?? '']
if (other) {
  for (const kind of values.on.split(',')) await other(kind)
  process.exit()
}
if (positionals[0] === 'hostile') {
  await hostile()
  process.exit()
}
if (values.help || !run) {
  console.log(HELP)
  process.exit(values.help ? 0 : 2)
}
const kinds =
  positionals[0] === 'disconnects' || positionals[0] === 'server' ? values.on.split(',') : ['postgres']
for (const kind of kinds) {
  const before = performance.now()
  const report = await run(kind)
  const seconds = Math.round((performance.now() - before) / 1_000)
  console.log(`${positionals[0]} on ${kind}, ${seconds} s: ${JSON.stringify(report)}`)
  const { lost, undelivered, gaps, duplicates, resyncs } = report
  if (lost + undelivered + gaps + duplicates + resyncs > 0) process.exitCode = 1
}
