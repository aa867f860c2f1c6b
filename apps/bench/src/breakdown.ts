import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Contender } from './compare.ts'
import type { BenchDatabase } from './databases.ts'
import { createFixture } from './fixture.ts'
import { CONNECTIONS, transportsOf } from './operations.ts'
import { startServer } from './server-process.ts'
import { printTable } from './table.ts'

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[]
  samples?: number[] | undefined
  timeDeltas?: number[] | undefined
}

/** Measures the CPU time of a call by component, on the server and in the client. */
export async function measureBreakdown(database: BenchDatabase, seconds: number): Promise<void> {
  const fixture = await createFixture(database.url, CONNECTIONS)
  const names = transportsOf('http://127.0.0.1', fixture)
  const cases = [...names.pages, ...names.sends].map((contender) => contender.name)
  await names.close()

  const columns: { name: string; parts: Map<string, number> }[] = []
  for (const name of cases) {
    const folder = await mkdtemp(path.join(tmpdir(), 'sotto-profile-'))
    let calls = 0
    let client: Profile
    {
      await using server = await startServer(database.url, ['--cpu-prof', `--cpu-prof-dir=${folder}`])
      const transports = transportsOf(server.url, fixture)
      const contender = [...transports.pages, ...transports.sends].find(
        (candidate) => candidate.name === name,
      )
      if (!contender) throw new Error(`there is no contender ${name}`)
      ;[client, calls] = await profiled(contender, seconds)
      await transports.close()
    }
    const [file = ''] = await readdir(folder)
    const server = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as Profile
    await rm(folder, { recursive: true })
    columns.push({ name: `${name}: server`, parts: microsecondsByPart(server, calls) })
    if (name.endsWith('SDK'))
      columns.push({ name: `${name}: client`, parts: microsecondsByPart(client, calls) })
  }

  const parts = [...new Set(columns.flatMap((column) => [...column.parts.keys()]))]
  console.log(`${database.name}: microseconds of CPU time per call\n`)
  printTable(
    ['', ...parts, 'sum'],
    columns.map(({ name, parts: own }) => [
      name,
      ...parts.map((part) => Math.round(own.get(part) ?? 0).toString()),
      Math.round([...own.values()].reduce((sum, value) => sum + value, 0)).toString(),
    ]),
  )
}

async function profiled(contender: Contender, seconds: number): Promise<[Profile, number]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  const run = await contender.run({ concurrency: CONNECTIONS, seconds })
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  return [profile, run.latencies.length]
}

/** In the order of the table. */
const parts: readonly (readonly [part: string, pattern: RegExp])[] = [
  ['database', /\/packages\/db\/|node_modules\/(kysely|better-sqlite3|pg|pg-[a-z]+|postgres-[a-z]+)\//],
  ['tRPC', /node_modules\/@trpc\//],
  ['superjson', /node_modules\/(superjson|copy-anything)\/|rpc\/(serialize|transformer)\.ts/],
  ['zod', /node_modules\/zod\//],
  ['Sotto', /\/(apps|packages)\//],
  ['logging', /node_modules\/(pino|sonic-boom|quick-format-unescaped)\//],
  ['HTTP', /^node:|node_modules\/(fastify|find-my-way|light-my-request|undici|avvio|@fastify)\//],
]

function microsecondsByPart(profile: Profile, calls: number): Map<string, number> {
  const partOf = new Map(profile.nodes.map(({ id, callFrame }) => [id, partOfFrame(callFrame)]))
  const sums = new Map<string, number>()
  for (const [index, sample] of (profile.samples ?? []).entries()) {
    const part = partOf.get(sample)
    if (part) sums.set(part, (sums.get(part) ?? 0) + (profile.timeDeltas?.[index] ?? 0) / calls)
  }
  return sums
}

function partOfFrame({ functionName, url }: { functionName: string; url: string }): string | undefined {
  if (functionName === '(idle)') return undefined
  if (functionName === '(garbage collector)') return 'garbage collector'
  return parts.find(([, pattern]) => pattern.test(url))?.[0] ?? 'native'
}
