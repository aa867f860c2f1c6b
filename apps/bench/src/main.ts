import { parseArgs } from 'node:util'
import { measureBreakdown } from './breakdown.ts'
import { makers } from './databases.ts'
import { measureLogins } from './logins.ts'
import { measureOperations } from './operations.ts'
import { measureRealtime } from './realtime.ts'
import { measureScale } from './scale.ts'
import { measureServers } from './servers.ts'
import { measureTransfer } from './transfer.ts'

const HELP = `Usage: pnpm bench [what] [options]

  operations   sends and pages over REST, RPC and SDK beside their baselines (the default)
  breakdown    where the processor time of each goes
  realtime     from a send to its event at the other one, idle streams, a restart
  scale        what the same costs among a million messages, and among a thousand
  servers      sends to one, two and four servers on one PostgreSQL, beside pgbench (PostgreSQL alone)
  transfer     sotto export and sotto import: time and memory
  logins       whether a refused log-in takes as long for an unknown user as for a wrong password

  --on sqlite,postgres   which databases
  --seconds N            how long each run is (4)
  --rounds N             how many runs each has, in turn with the others (5)
  --tries N              how many log-ins of each kind, in turn (1000)
  --messages N           how many messages are exported and imported (1000000)
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    on: { type: 'string', default: 'sqlite,postgres' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    tries: { type: 'string', default: '1000' },
    messages: { type: 'string', default: '1000000' },
  },
})
const [what = 'operations'] = positionals
const settings = { seconds: Number(values.seconds), rounds: Number(values.rounds) }

const measures = {
  async operations(kind: keyof typeof makers) {
    await using database = await makers[kind]()
    await measureOperations(database, settings)
  },
  async breakdown(kind: keyof typeof makers) {
    await using database = await makers[kind]()
    await measureBreakdown(database, settings.seconds)
  },
  realtime: (kind: keyof typeof makers) => measureRealtime(kind, settings),
  scale: (kind: keyof typeof makers) => measureScale(kind, settings),
  async servers(kind: keyof typeof makers) {
    await using database = await makers[kind]()
    await measureServers(database, settings)
  },
  transfer: (kind: keyof typeof makers) => measureTransfer(kind, Number(values.messages)),
  async logins(kind: keyof typeof makers) {
    await using database = await makers[kind]()
    await measureLogins(database, Number(values.tries))
  },
}

function isMeasure(name: string): name is keyof typeof measures {
  return Object.hasOwn(measures, name)
}

if (values.help || !isMeasure(what)) {
  console.log(HELP)
  process.exit(values.help ? 0 : 2)
}
const kinds = what === 'servers' ? ['postgres'] : values.on.split(',')
for (const kind of kinds) {
  if (kind !== 'sqlite' && kind !== 'postgres')
    throw new Error('--on must be sqlite, postgres, or both separated by a comma')
  await measures[what](kind)
}
