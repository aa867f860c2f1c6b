import { pairOf } from './baseline-sends.ts'
import { type Contender, compare } from './compare.ts'
import type { BenchDatabase } from './databases.ts'
import { createFixture } from './fixture.ts'
import { drive, type HttpClient, httpClient } from './load.ts'
import { CONNECTIONS, type Settings, TEXT } from './operations.ts'
import { pgbenchSends } from './pgbench.ts'
import { SERVICE_KEY, type ServerProcess, startServer } from './server-process.ts'
import { formatInteger, printTable } from './table.ts'

/** The numbers of servers that share the load. */
const COUNTS = [1, 2, 4]

/** Measures sends over REST to one, two and four servers on the same PostgreSQL, alternating with pgbench. */
export async function measureServers(database: BenchDatabase, settings: Settings): Promise<void> {
  const fixture = await createFixture(database.url, CONNECTIONS)
  await using stack = new AsyncDisposableStack()
  const servers: ServerProcess[] = []
  while (servers.length < Math.max(...COUNTS)) servers.push(stack.use(await startServer(database.url)))
  const clients = servers.map(({ url }) => stack.use(clientOf(url)))
  const baseline = stack.use(await pgbenchSends(database.url, fixture))

  const contenders = COUNTS.map((count): Contender => {
    const send = (index: number) => {
      const { sender, recipient } = pairOf(fixture, index)
      const body = JSON.stringify({ from: sender.username, to: recipient.username, text: TEXT })
      return clients[index % count]?.call({ method: 'POST', path: '/v1/messages', body }) ?? Promise.resolve()
    }
    return { name: `${count} ${count === 1 ? 'server' : 'servers'}`, run: (load) => drive(load, send) }
  })
  const load = { concurrency: CONNECTIONS, seconds: settings.seconds }
  const rows = await compare(baseline.contender, contenders, load, settings.rounds)
  const [first] = rows
  printTable(
    [database.name, 'sends per second', 'p50 ms', 'p99 ms', 'relative to pgbench'],
    [...(first ? [{ ...first, name: 'pgbench', figures: first.baseline, ratio: 1 }] : []), ...rows].map(
      ({ name, figures, ratio }) => [
        name,
        formatInteger(figures.perSecond),
        figures.p50.toFixed(1),
        figures.p99.toFixed(1),
        ratio.toFixed(2),
      ],
    ),
  )
}

function clientOf(url: string): HttpClient {
  return httpClient(url, CONNECTIONS, {
    authorization: `Bearer ${SERVICE_KEY}`,
    'content-type': 'application/json',
  })
}
