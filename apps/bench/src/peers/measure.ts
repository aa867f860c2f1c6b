import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { withPostgres } from '@sotto/testing/internal/databases'
import { type BenchDatabase, databaseFactories } from '../databases.ts'
import { createFixture } from '../fixture.ts'
import { median, perSecondOf } from '../load.ts'
import { CONNECTIONS } from '../operations.ts'
import { pgbenchSends } from '../pgbench.ts'
import { type Cost, LEAD_IN_SECONDS, MIN_WINDOW_SECONDS, measureCost } from '../processor-time.ts'
import { type ServerProcess, startProcess, startServer } from '../server-process.ts'
import { formatInteger, printTable } from '../table.ts'
import type { LatencyFigures, SendFigures, Target } from './driver.ts'
import { type Driver, startDriver } from './driver-process.ts'
import type { PeerName, User } from './peer-apis.ts'
import { peerApis } from './peer-apis.ts'
import { TOKEN_SECRET } from './tokens.ts'

export interface Settings {
  seconds: number
  rounds: number
}

const RATES = [100, 500, 1_000, 2_000]
const COST_RATE = 100
const SEVERAL_RATE = 1_000
const SEVERAL = [1, 2, 4]
const IDLE_STREAMS = 2_000
const WARM_UP_STREAMS = 200
const PAGE_MESSAGES = 100_000
const WARM_UP_SECONDS = 2

/** The stack that others build, and what it is compared with. `floor` is HTTP alone, without a database. */
interface Peer extends AsyncDisposable {
  name: PeerName
  database: BenchDatabase | undefined
  server: ServerProcess
  driver: Driver
}

const parts = { sends, latency, cost, pages, memory, several, floor }
export type Part = keyof typeof parts
export const partNames = Object.keys(parts) as Part[]

/** Measures Sotto and a hand-written stack in turns, with the same load from the same driver. PostgreSQL only. */
export async function measurePeers(only: readonly Part[], settings: Settings): Promise<void> {
  await check()
  for (const name of only) await parts[name](settings)
}

function startSotto(database: BenchDatabase): Promise<ServerProcess> {
  return startServer(database.url, [], undefined, {
    NODE_ENV: 'production',
    SOTTO_JWT_SECRET: TOKEN_SECRET,
    // The users of a benchmark send more than users do.
    SOTTO_LIMIT_SENDS: 'off',
    SOTTO_LIMIT_READS: 'off',
    SOTTO_LIMIT_WRITES: 'off',
    SOTTO_LIMIT_STREAMS: 'off',
  })
}

function startStack(database: BenchDatabase): Promise<ServerProcess> {
  return startProcess([path.join(import.meta.dirname, 'stack-server.ts')], '/healthz', {
    NODE_ENV: 'production',
    DATABASE_URL: database.url,
  })
}

async function startPeer(name: PeerName): Promise<Peer> {
  await using stack = new AsyncDisposableStack()
  const database = name === 'floor' ? undefined : stack.use(await databaseFactories.postgres())
  let server: ServerProcess
  if (!database) server = await startProcess([path.join(import.meta.dirname, 'floor-server.ts')], '/healthz')
  else server = await (name === 'Sotto' ? startSotto(database) : startStack(database))
  stack.use(server)
  const driver = stack.use(startDriver())
  const owned = stack.move()
  return { name, database, server, driver, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Sotto and the hand-written stack. */
async function startBoth(stack: AsyncDisposableStack): Promise<[Peer, Peer]> {
  return [stack.use(await startPeer('Sotto')), stack.use(await startPeer('hand-written'))]
}

function targetOf({ name, server }: Peer): Target {
  return { peer: name, urls: [server.url] }
}

/** In the opposite order every other round. */
function inTurn<T>(peers: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...peers] : peers.toReversed()
}

/** Runs a measurement of all peers in each round. @returns the results by peer. */
async function rounds<T>(
  peers: readonly Peer[],
  count: number,
  run: (peer: Peer, round: number) => Promise<T>,
): Promise<T[][]> {
  const results = new Map<Peer, T[]>(peers.map((peer) => [peer, []]))
  for (let round = 0; round < count; round++) {
    for (const peer of inTurn(peers, round)) results.get(peer)?.push(await run(peer, round))
  }
  return peers.map((peer) => results.get(peer) ?? [])
}

type Row = [name: string, ...cells: string[]]

/** A row of medians: Sotto's, the stack's, and that of the ratios of paired runs. */
function rowOf(name: string, values: number[][], format: (value: number) => string): Row {
  const [own = [], other = []] = values
  const ratio = median(own.map((value, round) => value / (other[round] ?? Number.NaN)))
  return [name, format(median(own)), format(median(other)), Number.isFinite(ratio) ? ratio.toFixed(2) : '-']
}

const HEAD = ['Sotto', 'hand-written', 'ratio'] as const

/**
 * Both servers must deliver every message to both users once, and Sotto in order. What the hand-written stack emits
 * after its commits can overtake: the commits are in order, but their responses are read from several connections.
 */
async function check(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  for (const peer of await startBoth(stack)) {
    await peer.driver.run('open', targetOf(peer), 'check', false)
    const unordered = await peer.driver.run('check')
    if (peer.name === 'Sotto' && unordered > 0) throw new Error(`${unordered} events are not in order`)
    if (unordered > 0) console.log(`${peer.name}: ${unordered} events of 600 arrived out of order\n`)
  }
}

async function sends({ seconds, rounds: count }: Settings): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const peers = await startBoth(stack)
  const rows: Row[] = []
  for (const workload of ['existing', 'first'] as const) {
    const isFirst = workload === 'first'
    const name = isFirst ? 'any two of 100 users' : '500 conversations'
    if (!isFirst) {
      for (const peer of peers) {
        await peer.driver.run('open', targetOf(peer), workload, true)
        await peer.driver.run('sends', workload, WARM_UP_SECONDS, 0)
      }
    }
    const results = await rounds(peers, count, async (peer, round): Promise<SendFigures> => {
      if (isFirst) {
        // Other users each time: the first messages of these users have been sent.
        await peer.driver.run('disconnect')
        await peer.driver.run('open', targetOf(peer), `${workload}-${round}`, false)
      }
      return peer.driver.run('sends', workload, seconds, round + 1)
    })
    const of = (field: keyof SendFigures) => results.map((runs) => runs.map((run) => run[field]))
    rows.push(
      rowOf(`${name}: sends/s`, of('perSecond'), formatInteger),
      rowOf('  sends', of('sends'), formatInteger),
      rowOf('  not delivered 5 s after the last send', of('undelivered'), formatInteger),
      rowOf('  delivered after more than 1 s', of('late'), formatInteger),
      rowOf('  latest delivery, ms', of('latestMs'), formatInteger),
    )
  }
  printTable(['32 senders', ...HEAD], rows)
}

async function latency({ seconds, rounds: count }: Settings): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const peers = [...(await startBoth(stack)), stack.use(await startPeer('floor'))]
  for (const peer of peers) {
    await peer.driver.run('open', targetOf(peer), 'latency', true)
    await peer.driver.run('rate', COST_RATE, WARM_UP_SECONDS, 0)
  }
  const rows: Row[] = []
  for (const rate of RATES) {
    const results = await rounds(peers, count, (peer, round) =>
      peer.driver.run('rate', rate, seconds, round + 1),
    )
    const of = (field: keyof LatencyFigures) => results.map((runs) => runs.map((run) => run[field]))
    const row = (name: string, field: keyof LatencyFigures, format: (value: number) => string): Row => [
      ...rowOf(name, of(field), format),
      format(median(of(field)[2] ?? [])),
    ]
    rows.push(
      row(`${formatInteger(rate)}/s: p50 ms`, 'p50', formatMs),
      row('  p99 ms', 'p99', formatMs),
      row('  not delivered 5 s after the last send', 'undelivered', formatInteger),
    )
  }
  printTable(['from due to received', ...HEAD, 'no database'], rows)
}

async function cost({ seconds, rounds: count }: Settings): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const peers = await startBoth(stack)
  for (const peer of peers) {
    await peer.driver.run('open', targetOf(peer), 'cost', true)
    await peer.driver.run('rate', COST_RATE, WARM_UP_SECONDS, 0)
  }
  const results = await rounds(peers, count, (peer, round) =>
    costOf(peer, Math.max(seconds, MIN_WINDOW_SECONDS), round),
  )
  const of = (value: (cost: Cost) => number | undefined) =>
    results.map((runs) => runs.map((run) => value(run) ?? Number.NaN))
  printTable(
    [`one send at ${COST_RATE}/s`, ...HEAD],
    [
      rowOf(
        'transactions',
        of((run) => run.transactions),
        (value) => value.toFixed(2),
      ),
      rowOf(
        "server's processor, ms",
        of((run) => run.serverMs),
        (value) => value.toFixed(2),
      ),
      rowOf(
        "PostgreSQL's processor, ms",
        of((run) => run.postgresMs),
        (value) => value.toFixed(2),
      ),
    ],
  )
}

async function costOf(peer: Peer, seconds: number, round: number): Promise<Cost> {
  if (!peer.database) throw new Error(`${peer.name} has no database`)
  // A little longer than the window, so that the load does not end before it.
  const load = peer.driver.run('rate', COST_RATE, LEAD_IN_SECONDS + seconds + 1, round + 1)
  const [measured] = await Promise.all([
    measureCost(peer.database, [peer.server.pid], seconds, () => peer.driver.run('completed')),
    load,
  ])
  return measured
}

async function pages({ seconds, rounds: count }: Settings): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const peers = await startBoth(stack)
  const readers = new Map<Peer, { users: User[]; conversationId: string }>()
  for (const peer of peers) readers.set(peer, await addMessages(peer, PAGE_MESSAGES))
  const run = (peer: Peer, duration: number, seed: number): Promise<number> => {
    const { users, conversationId } = readers.get(peer) ?? { users: [], conversationId: '' }
    const tokens = users.map((user) => user.token)
    return peer.driver.run('pages', targetOf(peer), tokens, conversationId, PAGE_MESSAGES, duration, seed)
  }
  for (const peer of peers) await run(peer, WARM_UP_SECONDS, 0)
  const results = await rounds(peers, count, (peer, round) => run(peer, seconds, round + 1))
  printTable(
    [`pages of 50 out of ${formatInteger(PAGE_MESSAGES)}`, ...HEAD],
    [rowOf('32 readers: pages/s', results, formatInteger)],
  )
}

/** Fills a conversation of two users to a number of messages, directly in the database. */
async function addMessages(
  { name, server, database }: Peer,
  count: number,
): Promise<{ users: User[]; conversationId: string }> {
  const api = peerApis[name]
  const users = [await api.createUser(server.url, 'reader-0'), await api.createUser(server.url, 'reader-1')]
  const response = await fetch(server.url + api.sendPath, {
    method: 'POST',
    headers: { authorization: `Bearer ${users[0]?.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ to: users[1]?.username, text: 'x'.repeat(100) }),
  })
  const { conversationId } = (await response.json()) as { conversationId: string }
  await withPostgres(database?.url ?? '', async (client) => {
    const [others, values] =
      name === 'Sotto'
        ? [', recipient_id, kind', ', case when n % 2 = 0 then recipient_id else sender_id end, kind']
        : ['', '']
    const sender = name === 'Sotto' ? 'case when n % 2 = 0 then sender_id else recipient_id end' : 'sender_id'
    await client.query(
      `insert into messages (id, conversation_id, seq, sender_id, text, created_at${others})
      select gen_random_uuid(), conversation_id, n, ${sender}, text, created_at + n * interval '1 millisecond'${values}
      from messages, generate_series(2, ${count}) as n where conversation_id = $1 and seq = 1`,
      [conversationId],
    )
    await client.query('update conversations set last_seq = $2 where id = $1', [conversationId, count])
    await client.query('vacuum analyze')
  })
  return { users, conversationId }
}

async function memory({ rounds: count }: Settings): Promise<void> {
  const measured: number[][] = [[], []]
  for (let round = 0; round < count; round++) {
    for (const index of inTurn([0, 1], round)) {
      await using peer = await startPeer(index === 0 ? 'Sotto' : 'hand-written')
      await peer.driver.run('open', targetOf(peer), 'memory', false)
      await peer.driver.run('idle', WARM_UP_STREAMS)
      await peer.driver.run('disconnect')
      await wait(1_000)
      const before = await peer.server.memory()
      await peer.driver.run('idle', IDLE_STREAMS)
      await wait(1_000)
      measured[index]?.push(((await peer.server.memory()) - before) / IDLE_STREAMS / 1_024)
    }
  }
  printTable(
    [`${formatInteger(IDLE_STREAMS)} idle streams`, ...HEAD],
    [rowOf('KiB of memory for each', measured, (value) => value.toFixed(1))],
  )
}

/** One, two and four Sotto servers that share the users; and one with all users beside one with none. */
async function several({ seconds, rounds: count }: Settings): Promise<void> {
  const cases = [
    ...SEVERAL.map((servers) => ({ servers, loaded: servers })),
    { servers: Math.min(...SEVERAL) + 1, loaded: 1 },
  ]
  const results = cases.map((): { latency: LatencyFigures; cost: Cost }[] => [])
  for (let round = 0; round < count; round++) {
    for (const [index, { servers, loaded }] of inTurn([...cases.entries()], round)) {
      await using stack = new AsyncDisposableStack()
      const database = stack.use(await databaseFactories.postgres())
      const started: ServerProcess[] = []
      while (started.length < servers) started.push(stack.use(await startSotto(database)))
      const driver = stack.use(startDriver())
      const urls = started.slice(0, loaded).map((server) => server.url)
      await driver.run('open', { peer: 'Sotto', urls }, 'several', true)
      await driver.run('rate', SEVERAL_RATE, WARM_UP_SECONDS, 0)
      const load = driver.run('rate', SEVERAL_RATE, LEAD_IN_SECONDS + seconds + 1, round + 1)
      const pids = started.map((server) => server.pid)
      const [measured, figures] = await Promise.all([
        measureCost(database, pids, seconds, () => driver.run('completed')),
        load,
      ])
      results[index]?.push({ latency: figures, cost: measured })
    }
  }
  const postgresOf = (run: { cost: Cost }) => run.cost.postgresMs ?? Number.NaN
  const alone = (results[0] ?? []).map(postgresOf)
  printTable(
    [
      `Sotto at ${formatInteger(SEVERAL_RATE)}/s`,
      'p50 ms',
      'p99 ms',
      'servers, ms',
      'PostgreSQL, ms',
      'ratio',
    ],
    cases.map(({ servers, loaded }, index) => {
      const runs = results[index] ?? []
      const perSend = (ms: (cost: Cost) => number | undefined) =>
        median(runs.map((run) => ms(run.cost) ?? Number.NaN))
      return [
        servers === loaded
          ? `servers: ${servers}`
          : `servers: ${loaded}, and ${servers - loaded} without streams`,
        formatMs(median(runs.map((run) => run.latency.p50))),
        formatMs(median(runs.map((run) => run.latency.p99))),
        perSend((run) => run.serverMs).toFixed(2),
        perSend((run) => run.postgresMs).toFixed(3),
        median(runs.map((run, round) => postgresOf(run) / (alone[round] ?? Number.NaN))).toFixed(2),
      ]
    }),
  )
}

/** What is possible without a server, and without a database. */
async function floor({ seconds, rounds: count }: Settings): Promise<void> {
  await using database = await databaseFactories.postgres()
  const fixture = await createFixture(database.url, CONNECTIONS)
  await using statements = await pgbenchSends(database.url, fixture)
  await using peer = await startPeer('floor')
  await peer.driver.run('open', targetOf(peer), 'floor', false)
  const rates: [number[], number[]] = [[], []]
  for (let round = 0; round < count; round++) {
    rates[0].push(perSecondOf(await statements.contender.run({ concurrency: CONNECTIONS, seconds })))
    rates[1].push((await peer.driver.run('sends', 'first', seconds, round + 1)).perSecond)
  }
  printTable(
    ['floor, 32 senders', 'sends/s'],
    [
      ["Sotto's statements by pgbench, a transaction each", formatInteger(median(rates[0]))],
      ['Fastify and an event, no database', formatInteger(median(rates[1]))],
    ],
  )
}

function formatMs(value: number): string {
  return Number.isFinite(value) ? value.toFixed(1) : 'not delivered'
}
