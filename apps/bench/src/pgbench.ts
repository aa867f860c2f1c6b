import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Contender } from './compare.ts'
import type { Fixture, Pair } from './fixture.ts'
import type { Load, Run } from './load.ts'
import { TIME, textsOf } from './rebind.ts'
import type { Statement } from './server-process.ts'

const run = promisify(execFile)

/**
 * Runs the statements of a send with pgbench, PostgreSQL's own load generator: prepared, one transaction per message,
 * each client with its own conversation. This is the most that PostgreSQL can do on this machine with one message per
 * transaction.
 */
export interface PgbenchSends extends AsyncDisposable {
  contender: Contender
}

/** @throws with a one-line message if pgbench is not installed. */
export async function pgbenchSends(databaseUrl: string, fixture: Fixture): Promise<PgbenchSends> {
  await run('pgbench', ['--version']).catch(() => {
    throw new Error(
      'pgbench is not installed: it is part of PostgreSQL, on Debian of postgresql-client or postgresql',
    )
  })
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-pgbench-'))
  const script = path.join(directory, 'send.sql')
  await writeFile(script, scriptOf(fixture))
  return {
    contender: { name: 'pgbench', run: (load) => runPgbench(databaseUrl, script, load) },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

async function runPgbench(databaseUrl: string, script: string, { concurrency, seconds }: Load): Promise<Run> {
  const directory = await mkdtemp(path.join(path.dirname(script), 'run-'))
  const options = {
    '--client': concurrency,
    '--jobs': 1,
    '--time': Math.ceil(seconds),
    '--protocol': 'prepared',
  }
  const args = Object.entries(options).map(([name, value]) => `${name}=${value}`)
  await run('pgbench', ['--no-vacuum', '--log', ...args, `--file=${script}`, databaseUrl], { cwd: directory })
  const latencies: number[] = []
  for (const file of await readdir(directory)) {
    // client_id transaction_no time script_no time_epoch time_us
    for (const line of (await readFile(path.join(directory, file), 'utf8')).split('\n')) {
      const [, , microseconds] = line.split(' ')
      if (microseconds !== undefined) latencies.push(Number(microseconds) / 1_000)
    }
  }
  return { latencies, seconds: Math.ceil(seconds) }
}

/** A new id like those of the server: it starts with the time, so that new ids are adjacent in the index. */
const MESSAGE_ID = `(lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7000' || lpad(to_hex(:random::bigint), 16, '0'))::uuid::text`
/** The current time as in JSON. */
const NOW = `(to_json(clock_timestamp()) #>> '{}')`

function scriptOf(fixture: Fixture): string {
  const branches = fixture.pairs.map((pair, client) => {
    const statements = fixture.send.statements.map((statement) => `${inlined(statement, fixture, pair)};`)
    return [`\\if :client_id = ${client}`, 'begin;', ...statements, 'commit;', '\\endif'].join('\n')
  })
  return `\\set random random(1, 9223372036854775807)\n${branches.join('\n')}\n`
}

/** A captured statement on one line, with this pair's values in place of its parameters. */
function inlined({ sql, parameters }: Statement, fixture: Fixture, pair: Pair): string {
  const { values } = fixture.send
  const texts = textsOf(values, pair)
  const changing = new RegExp(`(${values.messageId}|${TIME.source})`)

  function literal(value: unknown): string {
    if (value === null || typeof value === 'number') return String(value)
    if (value instanceof Date) return 'clock_timestamp()'
    if (Array.isArray(value)) return `array[${value.map(literal).join(', ')}]`
    const text = texts.reduce((before, [captured, own]) => before.replaceAll(captured, own), String(value))
    const parts = text.split(changing).map((part, index) => {
      if (index % 2 === 0) return quoted(part)
      return part === values.messageId ? MESSAGE_ID : NOW
    })
    return parts.length === 1 ? parts.join() : `(${parts.join(' || ')})`
  }

  return sql
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\$(\d+)/g, (_, number) => literal(parameters[Number(number) - 1]))
}

/** Escapes colons: pgbench treats a name after a colon as a variable, even in strings. */
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll(':', '\\x3a')
  return `e'${escaped}'`
}
