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
 * What must not happen is made to happen as often as it takes to trust that nothing comes of it: each run ends with
 * a line that says what was lost, and with exit code 1 when that was anything.
 */

const HELP = `Usage: pnpm reliability <what> [options]

  disconnects   readers that are cut off at random moments while messages are sent
  groups        people are added to groups and removed from them while everybody sends and readers are cut off
  server        the server is killed under load
  postgres      PostgreSQL is killed under load
  paused        two hundred readers stop reading while messages are sent to them
  redis         Redis is killed, paused and cut off under load, with two servers
  webhooks      one receiver takes what comes, others fail, hang, redirect inward or are not there; the server is killed
  hostile       connections that only mean harm: slow, endless, malformed, very many

  --on sqlite,postgres   which databases (disconnects, groups, server, paused, webhooks)
  --servers N            how many servers (disconnects, groups; more than one needs PostgreSQL)
  --times N              disconnects (1000; in groups 300), kills of the server (50), of PostgreSQL (20), troubles of Redis (12)
  --messages N           how many are sent (disconnects: 20000, groups: 5000)
  --seconds N, --rate N  for how long (paused: 60, webhooks: 20), and how many messages a second (1000, 200)
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
      // Spread over the whole run, whatever its pace.
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

/** Within how long the servers notice that a connection is dead of which nobody told them, in milliseconds. */
const NOTICED_MS = 12_000
/** How long a hint may take, in milliseconds: far less than the poll's second. */
const MAX_HINT_MS = 200

async function redisTrouble(): Promise<Report> {
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
      await wait(NOTICED_MS)
    }
  }
  over = true
  await sending
  // The hints have come back by themselves: what is sent to one is read from the other long before the poll.
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
  console.log(`from one server to the other: ${median} ms in the middle of ${latencies.length}`)
  if (median > MAX_HINT_MS) process.exitCode = 1
  return await load.finish()
}

/** How much memory the readers that do not read may cost, in megabytes. */
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
  if (report.untold + report.inside > 0) process.exitCode = 1
}

/** To a tenth. */
function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value
}

/** How long whoever means well may wait at most while others do harm, in milliseconds. */
const MAX_WAIT_MS = 1_000
/** How much memory the server may hold at most meanwhile, in megabytes: V8 leaves garbage lying about while it may. */
const MAX_HELD_MB = 1_536

async function hostile(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const database = await makeDatabase(stack, 'sqlite')
  // All comes from one address, which would be limited: here the connections themselves have to be borne.
  const off = Object.fromEntries(['LOGINS', 'READS', 'STREAMS'].map((name) => [`SOTTO_LIMIT_${name}`, 'off']))
  const server = stack.use(await makeServer(database.url, { ...off, LOG_LEVEL: 'silent' }))
  const { pid } = server
  const reports = Object.values(await measureHostile(server))
  const isAlive = (await fetch(`${server.url}/readyz`)).ok && server.pid === pid
  const isBorne = reports.every(({ worstMs, peakMB }) => worstMs <= MAX_WAIT_MS && peakMB <= MAX_HELD_MB)
  if (!isAlive || !isBorne) process.exitCode = 1
}

const runs: Record<string, (kind: string) => Promise<Report>> = {
  disconnects,
  server: serverKills,
  postgres: postgresKills,
  redis: redisTrouble,
}
const run = runs[positionals[0] ?? '']
/** Those that report in words of their own. */
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
