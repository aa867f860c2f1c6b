import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'

const KEY = 'sk_of-a-developer'
const CREDENTIALS = { username: 'alice', password: 'a long way to Tipperary' }

test('pnpm dev serves pages and the API at one origin, restarts the server and stops both', async () => {
  await using folder = await temporaryFolder()
  const port = await freePort()
  const dev = spawn(process.execPath, [path.join(import.meta.dirname, '../dev.ts')], {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      DATABASE_URL: `file:${path.join(folder.path, 'sotto.db')}`,
      SOTTO_SERVICE_KEY: KEY,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(dev, 'close')
  try {
    let output = ''
    dev.stdout.on('data', (part) => {
      output += part
    })
    const starts = () => output.split('"msg":"listening"').length - 1
    await expect.poll(starts, { timeout: 25_000 }).toBe(1)
    const [, origin = ''] = /(http:\S+)\/welcome#/.exec(output) ?? []
    expect(origin).not.toContain(`:${port}`)

    expect(await (await fetch(origin)).text()).toContain('/@vite/client')
    const post = (target: string, body: object, headers: Record<string, string>) =>
      fetch(`${origin}${target}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      })
    expect(await post('/v1/users', CREDENTIALS, { authorization: `Bearer ${KEY}` })).toMatchObject({
      status: 201,
    })
    const session = await post('/v1/sessions', { ...CREDENTIALS, cookie: true }, { origin })
    expect(session.headers.get('set-cookie')).toContain('__Host-sotto=')
    const foreign = { origin: 'https://example.com' }
    expect(await post('/v1/sessions', { ...CREDENTIALS, cookie: true }, foreign)).toMatchObject({
      status: 403,
    })
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/trpc`)
    await once(socket, 'open')

    const now = new Date()
    await utimes(path.join(import.meta.dirname, '../../packages/db/src/index.ts'), now, now)
    await expect.poll(starts, { timeout: 25_000 }).toBe(2)

    dev.kill()
    expect(await closed).toEqual([0, null])
    await expect(fetch(origin)).rejects.toThrow()
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
  } finally {
    dev.kill()
    await closed
  }
}, 60_000)

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-dev-'))
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
