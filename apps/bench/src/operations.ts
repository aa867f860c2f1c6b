import { createClient } from '@sotto/sdk'
import superjson from 'superjson'
import { baselineSends, pairOf } from './baseline-sends.ts'
import { type Comparison, type Contender, compare } from './compare.ts'
import type { BenchDatabase } from './databases.ts'
import { createFixture, type Fixture } from './fixture.ts'
import { drive, httpClient, pace } from './load.ts'
import { type Cost, LEAD_IN_SECONDS, MIN_WINDOW_SECONDS, measureCost } from './processor-time.ts'
import { SERVICE_KEY, type ServerProcess, startBaseline, startServer } from './server-process.ts'
import { formatInteger, formatMegabytes, printTable } from './table.ts'

/** The number of connections of the load, and of pairs of users who write to each other. */
export const CONNECTIONS = 32
export const TEXT = 'How are you? See you at eight.'
const PAGE = 50
const COST_RATE = 100

export interface Settings {
  seconds: number
  rounds: number
}

/** Measures sends and pages of 50 over REST, RPC and the SDK, each against its baseline. */
export async function measureOperations(database: BenchDatabase, settings: Settings): Promise<void> {
  const fixture = await createFixture(database.url, CONNECTIONS)
  const load = { concurrency: CONNECTIONS, seconds: settings.seconds }

  await using server = await startServer(database.url)
  const idle = await server.memory()
  const transports = transportsOf(server.url, fixture)
  const rows: Comparison[] = []
  {
    await using bare = await startBaseline(database.url, fixture.page)
    await using bareClient = httpClient(bare.url, CONNECTIONS, {})
    const baseline: Contender = {
      name: 'plain route',
      run: (load) => drive(load, () => bareClient.call({ method: 'GET', path: '/page' })),
    }
    rows.push(...(await compare(baseline, transports.pages, load, settings.rounds)))
  }
  {
    await using baseline = baselineSends(database.url, fixture)
    rows.push(...(await compare(baseline.contender, transports.sends, load, settings.rounds)))
  }
  const [send] = transports.sends
  const cost = send && (await costOfSend(database, server, send.call))
  await transports.close()

  printTable(
    [database.name, 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'baseline', 'ratio'],
    rows.map(({ name, figures, baseline, ratio }) => [
      name,
      formatInteger(figures.perSecond),
      figures.p50.toFixed(1),
      figures.p95.toFixed(1),
      figures.p99.toFixed(1),
      formatInteger(baseline.perSecond),
      ratio.toFixed(2),
    ]),
  )
  console.log(
    `${database.name}: ready ${formatInteger(server.startMs)} ms after start, ${formatMegabytes(idle)} of memory when idle\n`,
  )
  if (cost) {
    const { transactions, serverMs = Number.NaN, postgresMs } = cost
    console.log(
      [
        `${database.name}: a send over REST at ${COST_RATE}/s takes ${serverMs.toFixed(2)} ms of the server's processor`,
        transactions !== undefined && `${transactions.toFixed(2)} transactions`,
        postgresMs !== undefined && `${postgresMs.toFixed(2)} ms of PostgreSQL's processor`,
      ]
        .filter(Boolean)
        .join(', ') + '\n',
    )
  }
}

/** Sends on a schedule, so that what one costs does not depend on how many the machine can do. */
async function costOfSend(
  database: BenchDatabase,
  server: ServerProcess,
  send: (index: number) => Promise<unknown>,
): Promise<Cost> {
  let completed = 0
  const responses: Promise<unknown>[] = []
  const load = pace(COST_RATE, LEAD_IN_SECONDS + MIN_WINDOW_SECONDS + 1, (index) => {
    responses.push(send(index).then(() => completed++))
  })
  const cost = await measureCost(database, [server.pid], MIN_WINDOW_SECONDS, async () => completed)
  await load
  await Promise.all(responses)
  return cost
}

interface CallContender extends Contender {
  call: (index: number) => Promise<unknown>
}

interface Transports {
  pages: Contender[]
  sends: CallContender[]
  close(): Promise<void>
}

/** Both operations over every transport. */
export function transportsOf(url: string, fixture: Fixture): Transports {
  const http = httpClient(url, CONNECTIONS, {
    authorization: `Bearer ${SERVICE_KEY}`,
    'content-type': 'application/json',
  })
  const sdk = createClient({ url, token: SERVICE_KEY })
  const pageInput = { conversationId: fixture.pageOwner.conversationId, limit: PAGE }
  const query = encodeURIComponent(JSON.stringify(superjson.serialize(pageInput)))
  const sendInput = (index: number) => {
    const { sender, recipient } = pairOf(fixture, index)
    return { from: sender.username, to: recipient.username, text: TEXT }
  }
  return {
    pages: [
      contender(`page of ${PAGE}, REST`, () =>
        http.call({
          method: 'GET',
          path: `/v1/conversations/${pageInput.conversationId}/messages?limit=${PAGE}`,
        }),
      ),
      contender(`page of ${PAGE}, REST, gzip`, () =>
        http.call({
          method: 'GET',
          headers: { 'accept-encoding': 'gzip' },
          path: `/v1/conversations/${pageInput.conversationId}/messages?limit=${PAGE}`,
        }),
      ),
      contender(`page of ${PAGE}, RPC`, () =>
        http.call({ method: 'GET', path: `/trpc/conversations.messages?input=${query}` }),
      ),
      contender(`page of ${PAGE}, SDK`, async () => {
        await sdk.conversations.messages(pageInput)
      }),
    ],
    sends: [
      contender('send, REST', (index) =>
        http.call({ method: 'POST', path: '/v1/messages', body: JSON.stringify(sendInput(index)) }),
      ),
      contender('send, RPC', (index) =>
        http.call({
          method: 'POST',
          path: '/trpc/messages.send',
          body: JSON.stringify(superjson.serialize(sendInput(index))),
        }),
      ),
      contender('send, SDK', (index) => sdk.messages.send(sendInput(index))),
    ],
    async close() {
      await http[Symbol.asyncDispose]()
    },
  }
}

function contender(name: string, call: (index: number) => Promise<unknown>): CallContender {
  return { name, call, run: (load) => drive(load, call) }
}
