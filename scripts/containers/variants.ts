import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { inspect, printedKey } from './docker.ts'
import type { Findings } from './report.ts'
import { makeStack } from './stack.ts'

const PASSWORD = 'a long enough one'

/** Checks docker/compose.sqlite.yaml: one server with its data in a volume. */
export async function checkSqlite(findings: Findings, port: number): Promise<void> {
  await using stack = await makeStack({ project: 'sotto-e2e-sqlite', port, files: ['compose.sqlite.yaml'] })
  await stack.up()
  const [first = ''] = await stack.containersOf('sotto')
  const key = await printedKey(first)
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const statuses: number[] = []
  for (const [to, body, user] of [
    ['users', { username: 'alice' }],
    ['users', { username: 'bob' }],
    ['messages', { to: 'bob', text: 'hi' }, 'alice'],
  ] as const) {
    const { status } = await fetch(`${stack.url}/v1/${to}`, {
      method: 'POST',
      headers: { ...headers, ...(user && { 'act-as': user }) },
      body: JSON.stringify(body),
    })
    statuses.push(status)
  }
  findings.check(
    'a message is sent on SQLite',
    statuses.every((status) => status === 201),
    statuses.join(', '),
  )
  await stack.compose('stop')
  const exitCode = await inspect(first, '{{.State.ExitCode}}')
  findings.check('the server stops in time', exitCode === '0', `exit code ${exitCode}`)
  await stack.compose('down')
  await stack.up()
  const read = await fetch(`${stack.url}/v1/direct/bob/messages`, {
    headers: { ...headers, 'act-as': 'alice' },
  })
  const page = (await read.json()) as { items?: { text: string }[] }
  findings.check('another container has the message', page.items?.[0]?.text === 'hi', `${read.status}`)
}

/**
 * Checks docker/compose.tls.yaml with docker/compose.yaml: HTTPS, the session cookie that requires it, and a new
 * certificate.
 */
export async function checkTls(findings: Findings, port: number): Promise<void> {
  await using certificate = await makeCertificate()
  const tlsPort = port + 1
  await using stack = await makeStack({
    project: 'sotto-e2e-tls',
    port,
    files: ['compose.yaml', 'compose.tls.yaml'],
    env: {
      SOTTO_TLS_PORT: String(tlsPort),
      TLS_CERTIFICATE: certificate.path,
      TLS_KEY: certificate.keyPath,
    },
  })
  await stack.up()
  const call = (method: string, to: string, headers: Record<string, string> = {}, body?: object) =>
    callSecurely({ port: tlsPort, ca: certificate.pem, method, path: to, headers, body })
  const key = await stack.compose('exec', '-T', 'server', 'cat', '/run/sotto/service_key')
  const created = await call(
    'POST',
    '/v1/users',
    { authorization: `Bearer ${key}` },
    { username: 'alice', password: PASSWORD },
  )
  findings.check('HTTPS is served', created.status === 201, `${created.status}, ${created.protocol}`)
  const hsts = created.headers['strict-transport-security'] ?? 'none'
  findings.check('Strict-Transport-Security is set', /^max-age=\d{7,}/.test(hsts), hsts)

  const origin = `https://localhost:${tlsPort}`
  const credentials = { username: 'alice', password: PASSWORD, cookie: true }
  const session = await call('POST', '/v1/sessions', { origin }, credentials)
  const [cookie = ''] = session.headers['set-cookie'] ?? []
  const isKept = cookie.startsWith('__Host-') && /; Secure/i.test(cookie)
  findings.check('a browser gets a session cookie that requires HTTPS', isKept, `${session.status}`)
  const me = await call('GET', '/v1/me', {
    cookie: cookie.split(';')[0] ?? '',
    'sec-fetch-site': 'same-origin',
  })
  findings.check('the session cookie works', me.status === 200, `${me.status}`)
  const page = await call('GET', '/')
  findings.check(
    'the web client is served',
    page.status === 200 && page.body.includes('<html'),
    `${page.status}`,
  )

  const before = created.fingerprint
  await certificate.renew()
  await stack.compose('exec', '-T', 'proxy', 'sh', '/etc/sotto/reload.sh')
  const deadline = performance.now() + 10_000
  let after = before
  while (after === before && performance.now() < deadline) {
    const response = await call('GET', '/readyz').catch(() => undefined)
    after = response?.fingerprint ?? before
  }
  findings.check('a new certificate takes effect', after !== before)
}

interface SecureCall {
  port: number
  ca: () => string
  method: string
  path: string
  headers: Record<string, string>
  body: object | undefined
}

/** Sends a request over HTTPS that trusts only this certificate. */
async function callSecurely({ port, ca, method, path: to, headers, body }: SecureCall) {
  const json = body && JSON.stringify(body)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = request(
    {
      ...{ host: 'localhost', port, method, path: to, ca: ca(), agent: false },
      headers: { ...headers, ...(json && { 'content-type': 'application/json' }) },
    },
    resolve,
  )
  outgoing.on('error', reject)
  outgoing.end(json)
  const response = await promise
  const socket = response.socket as TLSSocket
  const { fingerprint256: fingerprint } = socket.getPeerCertificate()
  const protocol = socket.getProtocol()
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    fingerprint,
    protocol,
    body: await text(response),
  }
}

/** Creates a self-signed certificate for localhost, in files that nginx can read. */
async function makeCertificate() {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-tls-'))
  const files = { path: path.join(directory, 'certificate.pem'), keyPath: path.join(directory, 'key.pem') }
  let pem = ''
  async function renew(): Promise<void> {
    const args =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout - -out -'
    const { stdout: both } = await promisify(execFile)('openssl', args.split(' '))
    const certificateAt = both.indexOf('-----BEGIN CERTIFICATE')
    const certificate = both.slice(certificateAt)
    const key = both.slice(0, certificateAt)
    pem = certificate
    // Overwrites the files, because a mount keeps referring to the same file.
    await writeFile(files.path, certificate)
    await writeFile(files.keyPath, key)
  }
  await renew()
  await chmod(directory, 0o755)
  return { ...files, pem: () => pem, renew, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
}
