import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { SERVICE_KEY } from '../../apps/bench/src/reliability/processes.ts'
import { docker, inspect, untilHealthy } from './docker.ts'
import { type Findings, secondsSince } from './report.ts'
import { makeStack, type Stack } from './stack.ts'
import { startTraffic } from './traffic.ts'

/** The proxy tries a server again a second after it did not answer. */
const SEEN_BY_PROXY_MS = 3_000
/** It looks for new servers every two seconds, and takes six to have its configuration read again. */
const KNOWN_TO_PROXY_MS = 10_000
const QUIET_MS = 4_000
/** How long what was killed stays away. */
const AWAY_MS = 3_000

/** What operators do, and what happens to them, while messages are sent and read through the proxy. */
export async function checkUnderLoad(findings: Findings, port: number): Promise<void> {
  await using secrets = await makeSecrets()
  await using stack = await makeStack({ project: 'sotto-e2e', port, env: { SOTTO_SECRETS: secrets.path } })
  await stack.up()
  const traffic = await startTraffic(stack.url)

  /** @param mayFail whether requests may: then they are counted, and all that was acknowledged has to be there. */
  async function during(what: string, mayFail: boolean, work: () => Promise<void>): Promise<void> {
    const startedAt = performance.now()
    await work()
    await wait(QUIET_MS)
    const failures = traffic.takeFailures()
    const total = failures.reduce((sum, text) => sum + Number.parseInt(text, 10), 0)
    const figures = `${total} of ${traffic.takeAnswered() + total} requests failed, ${secondsSince(startedAt)}`
    const seen = [figures, ...failures.slice(0, 5)].join('; ')
    if (mayFail) findings.note(`${what}: ${seen}`)
    else findings.check(`${what}: no request fails`, total === 0, seen)
  }

  await during('nothing', false, async () => {})
  await during('rolling restart', false, () => restartOneByOne(findings, stack))
  await during('four servers instead of two', false, () => scale(stack, 4))
  await during('an upgrade', false, () => replaceServers(findings, stack))
  await during('a server is killed', true, () => killAndStart(stack, 'server'))
  await during('Valkey is killed', true, () => killAndStart(stack, 'valkey'))
  await during('PostgreSQL is killed', true, () => killAndStart(stack, 'postgres'))
  await during('after all of that', false, async () => {})

  const { stored, acknowledged, lost, undelivered, gaps, duplicates, resyncs, connects } =
    await traffic.finish()
  findings.check(
    'nothing that was acknowledged is lost',
    lost === 0,
    `${acknowledged} acknowledged, ${lost} lost`,
  )
  findings.check(
    'every reader has every event, once and in order',
    undelivered + gaps + duplicates + resyncs === 0,
    `${stored} stored; ${JSON.stringify({ undelivered, gaps, duplicates, resyncs, connects })}`,
  )
  await checkStops(findings, stack)
}

/** The key that the load uses; the stack makes what else it needs. */
async function makeSecrets(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-e2e-'))
  // The containers' users write and read here.
  await chmod(folder, 0o777)
  await writeFile(path.join(folder, 'service_key'), SERVICE_KEY, { mode: 0o444 })
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

async function restartOneByOne(findings: Findings, stack: Stack): Promise<void> {
  for (const server of await stack.containersOf('server')) {
    await stopWell(findings, server)
    await docker(['start', server])
    await untilHealthy(server)
    await wait(SEEN_BY_PROXY_MS)
  }
}

async function scale(stack: Stack, count: number): Promise<void> {
  await stack.up('--no-recreate', '--scale', `server=${count}`)
  await wait(KNOWN_TO_PROXY_MS)
}

/** New servers beside the old ones, which then go, one after the other. */
async function replaceServers(findings: Findings, stack: Stack): Promise<void> {
  const old = await stack.containersOf('server')
  await stack.compose('run', '--rm', '-T', 'migrate')
  await stack.up('--no-deps', '--no-recreate', '--scale', `server=${old.length + 2}`, 'server')
  await wait(KNOWN_TO_PROXY_MS)
  for (const server of old) {
    await stopWell(findings, server)
    await docker(['rm', server])
    await wait(SEEN_BY_PROXY_MS)
  }
}

async function stopWell(findings: Findings, server: string): Promise<void> {
  const startedAt = performance.now()
  await docker(['stop', '--time', '30', server])
  const exitCode = await inspect(server, '{{.State.ExitCode}}')
  findings.check(
    'a server under load stops well',
    exitCode === '0',
    `exit code ${exitCode}, ${secondsSince(startedAt)}`,
  )
}

async function killAndStart(stack: Stack, service: string): Promise<void> {
  const [container = ''] = await stack.containersOf(service)
  await docker(['kill', container])
  await wait(AWAY_MS)
  await docker(['start', container])
  await untilHealthy(container)
}

async function checkStops(findings: Findings, stack: Stack): Promise<void> {
  const all = (await stack.compose('ps', '--quiet')).split('\n')
  await stack.compose('stop')
  const codes = await docker(['inspect', '--format', '{{.Name}} {{.State.ExitCode}}', ...all])
  findings.check(
    'all of it stops well',
    codes.split('\n').every((line) => line.endsWith(' 0')),
    codes.replaceAll('\n', ', '),
  )
}
