import { parseArgs } from 'node:util'
import { measureBreakdown } from './breakdown.ts'
import { databaseFactories } from './databases.ts'
import { measureLogins } from './logins.ts'
import { measureOperations } from './operations.ts'
import { measurePeers, partNames } from './peers/measure.ts'
import { measureRealtime } from './realtime.ts'
import { measureScale } from './scale.ts'
import { measureServers } from './servers.ts'
import { measureTransfer } from './transfer.ts'

const HELP = `Usage: pnpm bench [benchmark] [options]

  operations   sends and pages over REST, RPC and the SDK, compared with baselines (default)
  breakdown    CPU time of these operations by component
  realtime     latency from a send to its event, memory of idle streams, reconnects after a restart
  scale        cost of the same calls with a million messages and with a thousand
  servers      sends to one, two and four servers on one PostgreSQL, compared with pgbench (PostgreSQL only)
  peers        Sotto beside a hand-written stack (Express, Drizzle, socket.io) on PostgreSQL, in turns
  transfer     duration and memory of sotto export and sotto import
  logins       duration of a rejected sign-in for an unknown user and for a wrong password

  --on sqlite,postgres   databases
  --seconds N            duration of each run (4)
  --rounds N             runs of each contender, alternating with the others (5)
  --only sends,latency   parts of peers: ${partNames.join(', ')} (all)
  --tries N              sign-ins of each kind, alternating (1000)
  --messages N           messages to export and import (1000000)
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    on: { type: 'string', default: 'sqlite,postgres' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: partNames.join() },
    tries: { type: 'string', default: '1000' },
    messages: { type: 'string', default: '1000000' },
  },
})
const [benchmark = 'operations'] = positionals
const settings = { seconds: Number(values.seconds), rounds: Number(values.rounds) }

const benchmarks = {
  async operations(kind: keyof typeof databaseFactories) {
    await using database = await databaseFactories[kind]()
    await measureOperations(database, settings)
  },
  async breakdown(kind: keyof typeof databaseFactories) {
    await using database = await databaseFactories[kind]()
    await measureBreakdown(database, settings.seconds)
  },
  realtime: (kind: keyof typeof databaseFactories) => measureRealtime(kind, settings),
  scale: (kind: keyof typeof databaseFactories) => measureScale(kind, settings),
  async servers(kind: keyof typeof databaseFactories) {
    await using database = await databaseFactories[kind]()
    await measureServers(database, settings)
  },
  peers: () => measurePeers(partsOf(values.only), settings),
  transfer: (kind: keyof typeof databaseFactories) => measureTransfer(kind, Number(values.messages)),
  async logins(kind: keyof typeof databaseFactories) {
    await using database = await databaseFactories[kind]()
    await measureLogins(database, Number(values.tries))
  },
}

function partsOf(list: string) {
  const wanted = list.split(',')
  const known = partNames.filter((part) => wanted.includes(part))
  if (known.length !== wanted.length) throw new Error(`--only must be some of ${partNames.join(',')}`)
  return known
}

function isBenchmark(name: string): name is keyof typeof benchmarks {
  return Object.hasOwn(benchmarks, name)
}

if (values.help || !isBenchmark(benchmark)) {
  console.log(HELP)
  process.exit(values.help ? 0 : 2)
}
const kinds = benchmark === 'servers' || benchmark === 'peers' ? ['postgres'] : values.on.split(',')
for (const kind of kinds) {
  if (kind !== 'sqlite' && kind !== 'postgres')
    throw new Error('--on must be sqlite, postgres, or both separated by a comma')
  await benchmarks[benchmark](kind)
}
