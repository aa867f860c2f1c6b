import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { blocksOf } from '../test/support/markdown.ts'
import { runBlocks } from '../test/support/session.ts'
import { docker, inspect } from './docker.ts'
import { type Findings, secondsSince } from './report.ts'
import { makeStack, type Stack } from './stack.ts'

const readme = path.join(import.meta.dirname, '../../README.md')
const DOCUMENTED_URL = 'http://127.0.0.1:1337'

/**
 * Runs `docker compose up` without preparation, then all samples of the README, and checks what the proxy must not
 * allow.
 */
export async function checkFirstStart(findings: Findings, port: number): Promise<void> {
  await using stack = await makeStack({ project: 'sotto-e2e-first', port })
  const startedAt = performance.now()
  await stack.up()
  findings.note(`docker compose up: all services are healthy after ${secondsSince(startedAt)}`)
  const key = await stack.compose('exec', '-T', 'server', 'cat', '/run/sotto/service_key')
  await checkSecrets(findings, stack, key)
  await checkFirstAccount(findings, stack)
  await checkReadme(findings, stack, key, startedAt)
  await checkProxy(findings, stack, key)
  await checkConfinement(findings, stack)
}

async function checkSecrets(findings: Findings, stack: Stack, key: string): Promise<void> {
  const logs = await stack.compose('logs', '--no-log-prefix')
  const shown = logs.split(key).length - 1
  findings.check('the service key is printed once', shown === 1, `${shown} times`)
  const others = ['secret', 'postgres_password', 'redis_url']
  const secrets = await Promise.all(
    others.map((name) => stack.compose('exec', '-T', 'server', 'cat', `/run/sotto/${name}`)),
  )
  const printed = others.filter((_, index) => logs.includes(secrets[index] ?? ''))
  findings.check('no other secret is printed', printed.length === 0, printed.join(', '))
  const seen = await stack.compose('exec', '-T', 'postgres', 'sh', '-c', 'cat /run/sotto/* 2>&1; true')
  const isSeen = [key, secrets[0] ?? ''].some((secret) => seen.includes(secret))
  findings.check('PostgreSQL cannot read the secrets of the servers', !isSeen)
  await stack.up()
  const after = await stack.compose('exec', '-T', 'server', 'cat', '/run/sotto/service_key')
  findings.check('a second start keeps the secrets', after === key)
}

/** Runs before there are users. Both servers have started at the same time. */
async function checkFirstAccount(findings: Findings, stack: Stack): Promise<void> {
  const logs = await stack.compose('logs', '--no-log-prefix', 'server')
  const links = logs.split('/welcome#su_').length - 1
  findings.check('one server prints the link for the first account', links === 1, `${links} links`)
  const printed = await stack.compose('run', '--rm', '--no-deps', '--no-TTY', 'server', 'setup')
  findings.check('a command prints another link', /^http\S+\/welcome#su_\S+$/.test(printed.trim()))
}

async function checkReadme(findings: Findings, stack: Stack, key: string, startedAt: number): Promise<void> {
  const blocks = blocksOf(await readFile(readme, 'utf8'))
    .filter(({ language }) => language === 'sh' || language === 'ts')
    .map((block) => ({ ...block, code: block.code.replaceAll(DOCUMENTED_URL, stack.url) }))
  const { results, failure } = await runBlocks(blocks, { SOTTO_SERVICE_KEY: key })
  const statuses = results.flatMap((result) => result?.statuses ?? [])
  const isGood = failure === undefined && statuses.every((status) => status >= 200 && status < 300)
  findings.check('the samples of the README work', isGood, failure ?? `${blocks.length} samples`)
  findings.note(`all samples had run ${secondsSince(startedAt)} after the start`)
}

async function checkProxy(findings: Findings, stack: Stack, key: string): Promise<void> {
  const authorization = { authorization: `Bearer ${key}` }
  const metrics = await fetch(`${stack.url}/metrics`, { headers: authorization })
  findings.check('the proxy does not serve metrics', metrics.status === 404, `${metrics.status}`)
  const large = await fetch(`${stack.url}/v1/messages`, {
    method: 'POST',
    headers: { ...authorization, 'content-type': 'application/json' },
    body: ' '.repeat(3 * 1_048_576 + 1),
  })
  const { code } = (await large.json()) as { code: string }
  findings.check(
    'the proxy returns errors like those of a server',
    large.status === 413 && code === 'PAYLOAD_TOO_LARGE',
  )
  await fetch(`${stack.url}/v1/keys`, {
    method: 'POST',
    headers: { ...authorization, 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' },
    body: JSON.stringify({ name: 'seen', scopes: ['read'] }),
  })
  const audit = await fetch(`${stack.url}/v1/audit`, { headers: authorization })
  const { items } = (await audit.json()) as { items: { action: string; address: string | null }[] }
  const address = items.find(({ action }) => action === 'key.created')?.address ?? 'none'
  const [proxy = ''] = await stack.containersOf('proxy')
  const own = await inspect(proxy, '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
  findings.check(
    'the server sees the address of the caller, not a forged one',
    address !== '203.0.113.9' && address !== own && address !== 'none',
    `${address}, proxy: ${own}`,
  )
}

async function checkConfinement(findings: Findings, stack: Stack): Promise<void> {
  const ids = (await stack.compose('ps', '--quiet')).split('\n')
  const format =
    '{{.Name}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.HostConfig.LogConfig.Config}}'
  for (const line of (await docker(['inspect', '--format', format, ...ids])).split('\n')) {
    const isConfined = /true \[ALL\] \[no-new-privileges:true\] map\[.*max-size/.test(line)
    findings.check('read-only, without capabilities, logs rotated', isConfined, line.split(' ')[0])
  }
  for (const service of ['server', 'proxy', 'postgres', 'valkey']) {
    const user = await stack.compose('exec', '-T', service, 'id', '-u')
    findings.check(`${service} does not run as root`, user !== '0', `user ${user}`)
  }
}
