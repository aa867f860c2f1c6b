import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { SERVICE_KEY } from '../../apps/bench/src/reliability/processes.ts'
import { docker, inspect, untilHealthy } from './docker.ts'
import { type Findings, secondsSince } from './report.ts'
import { makeStack, type Stack } from './stack.ts'
import { startTraffic } from './traffic.ts'

/** The proxy retries a server a second after it did not respond. */
const PROXY_RETRY_MS = 3_000
/** The proxy looks for new servers every two seconds, and takes six to reload its configuration. */
const PROXY_UPDATE_MS = 10_000
const SETTLE_MS = 4_000
/** How long a killed container stays down. */
const DOWNTIME_MS = 3_000

/** Performs maintenance and injects failures while messages are sent and read through the proxy. */
export async function checkUnderLoad(findings: Findings, port: number): Promise<void> {
  await using secrets = await makeSecrets()
  await using stack = await makeStack({ project: 'sotto-e2e', port, env: { SOTTO_SECRETS: secrets.path } })
  await stack.up()
  const traffic = await startTraffic(stack.url)

  /**
   * @param mayFail whether requests may fail: failures are then only counted, and acknowledged messages must still
   * exist.
   */
  async function during(what: string, mayFail: boolean, work: () => Promise<void>): Promise<void> {
    const startedAt = performance.now()
    await work()
    await wait(SETTLE_MS)
    const failures = traffic.takeFailures()
    const total = failures.reduce((sum, text) => sum + Number.parseInt(text, 10), 0)
    const figures = `${total} of ${traffic.takeSuccesses() + total} requests failed, ${secondsSince(startedAt)}`
    const details = [figures, ...failures.slice(0, 5)].join('; ')
    if (mayFail) findings.note(`${what}: ${details}`)
    else findings.check(`${what}: no request fails`, total === 0, details)
  }

  await during('no event', false, async () => {})
  await during('rolling restart', false, () => restartOneByOne(findings, stack))
  await during('four servers instead of two', false, () => scale(stack, 4))
  await during('an upgrade', false, () => replaceServers(findings, stack))
  await during('a server is killed', true, () => killAndStart(stack, 'server'))
  await during('Valkey is killed', true, () => killAndStart(stack, 'valkey'))
  await during('PostgreSQL is killed', true, () => killAndStart(stack, 'postgres'))
  await during('no event, at the end', false, async () => {})

  const { stored, acknowledged, lost, undelivered, gaps, duplicates, resyncs, connects } =
    await traffic.finish()
  findings.check('no acknowledged message is lost', lost === 0, `${acknowledged} acknowledged, ${lost} lost`)
  findings.check(
    'every reader receives every event once and in order',
    undelivered + gaps + duplicates + resyncs === 0,
    `${stored} stored; ${JSON.stringify({ undelivered, gaps, duplicates, resyncs, connects })}`,
  )
  await checkStops(findings, stack)
}

/** Creates the key that the load uses. The stack creates the other secrets. */
async function makeSecrets(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-e2e-'))
  // Must be accessible to the users of the containers.
  await chmod(folder, 0o777)
  await writeFile(path.join(folder, 'service_key'), SERVICE_KEY, { mode: 0o444 })
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

async function restartOneByOne(findings: Findings, stack: Stack): Promise<void> {
  for (const server of await stack.containersOf('server')) {
    await stopGracefully(findings, server)
    await docker(['start', server])
    await untilHealthy(server)
    await wait(PROXY_RETRY_MS)
  }
}

async function scale(stack: Stack, count: number): Promise<void> {
  await stack.up('--no-recreate', '--scale', `server=${count}`)
  await wait(PROXY_UPDATE_MS)
}

/** Starts new servers next to the old ones, then removes the old ones one at a time. */
async function replaceServers(findings: Findings, stack: Stack): Promise<void> {
  const old = await stack.containersOf('server')
  await stack.compose('run', '--rm', '-T', 'migrate')
  await stack.up('--no-deps', '--no-recreate', '--scale', `server=${old.length + 2}`, 'server')
  await wait(PROXY_UPDATE_MS)
  for (const server of old) {
    await stopGracefully(findings, server)
    await docker(['rm', server])
    await wait(PROXY_RETRY_MS)
  }
}

async function stopGracefully(findings: Findings, server: string): Promise<void> {
  const startedAt = performance.now()
  await docker(['stop', '--time', '30', server])
  const exitCode = await inspect(server, '{{.State.ExitCode}}')
  findings.check(
    'a server under load stops gracefully',
    exitCode === '0',
    `exit code ${exitCode}, ${secondsSince(startedAt)}`,
  )
}

async function killAndStart(stack: Stack, service: string): Promise<void> {
  const [container = ''] = await stack.containersOf(service)
  await docker(['kill', container])
  await wait(DOWNTIME_MS)
  await docker(['start', container])
  await untilHealthy(container)
}

async function checkStops(findings: Findings, stack: Stack): Promise<void> {
  const all = (await stack.compose('ps', '--quiet')).split('\n')
  await stack.compose('stop')
  const codes = await docker(['inspect', '--format', '{{.Name}} {{.State.ExitCode}}', ...all])
  findings.check(
    'all services stop gracefully',
    codes.split('\n').every((line) => line.endsWith(' 0')),
    codes.replaceAll('\n', ', '),
  )
}
