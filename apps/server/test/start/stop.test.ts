import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, type ServerProcess, spawnServer } from '@sotto/testing/internal'
import pg from 'pg'
import { describe, expect, test } from 'vitest'

const key = 'sk_of-this-test'
const CONNECTIONS = 32
/** Long enough for every connection to be in use. */
const UNDER_LOAD_MS = 700

interface Answer {
  status: number
  body: string
}

function call(agent: Agent, url: string, path: string, body?: object): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const payload = body && JSON.stringify(body)
  const sent = request(
    new URL(path, url),
    {
      agent,
      method: payload ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, ...(payload && { 'content-type': 'application/json' }) },
    },
    (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      response.on('error', reject)
    },
  )
  sent.on('error', reject)
  sent.end(payload)
  return promise
}

async function makeUsers(server: ServerProcess): Promise<void> {
  const client = createClient({ url: server.url, token: key })
  for (const username of ['alice', 'bob']) await client.users.create({ username })
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}

describe.each(['sqlite', 'postgres'] as const)('a stop on %s', (using) => {
  test('under load fails no request and loses no message', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key }
    await using server = await spawnServer(settings)
    await makeUsers(server)

    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const acknowledged: string[] = []
    const failures: string[] = []
    async function goOn(worker: number): Promise<void> {
      for (let count = 0; ; count++) {
        try {
          const send = { from: 'alice', to: 'bob', text: `${worker} ${count}` }
          const answer =
            count % 3 === 2
              ? await call(agent, server.url, '/v1/messages?between=alice,bob')
              : await call(agent, server.url, '/v1/messages', send)
          if (answer.status === 201) acknowledged.push((JSON.parse(answer.body) as { id: string }).id)
          else if (answer.status !== 200) failures.push(`${answer.status} ${answer.body}`)
        } catch (error) {
          // A connection that the server does not take any more is what a stop is.
          if (!isRefused(error)) failures.push(String(error))
          return
        }
      }
    }
    const workers = Array.from({ length: CONNECTIONS }, (_, worker) => goOn(worker))
    await wait(UNDER_LOAD_MS)
    const stopped = server.stop('SIGTERM')
    await Promise.all(workers)
    expect(await stopped).toBe(0)
    agent.destroy()
    expect(failures).toEqual([])
    expect(server.output.stderr).toBe('')
    expect(acknowledged.length).toBeGreaterThan(CONNECTIONS)

    await using again = await spawnServer(settings)
    const client = createClient({ url: again.url, token: key })
    const found = new Set<string>()
    for await (const page of client.messages.between(['alice', 'bob'], { limit: 200 }).pages()) {
      for (const message of page.items) found.add(message.id)
    }
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
  })
})

test('a stop waits for a request that takes longer than idle connections are given', async () => {
  await using database = await createEmptyDatabase('postgres')
  await using server = await spawnServer({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  await makeUsers(server)
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('lock table messages')
    const agent = new Agent({ keepAlive: true })
    const answer = call(agent, server.url, '/v1/messages', { from: 'alice', to: 'bob', text: 'slow' })
    await expect
      .poll(async () => {
        const { rows } = await client.query('select count(*) from pg_locks where not granted')
        return Number(rows[0].count)
      })
      .toBeGreaterThan(0)
    const stopped = server.stop('SIGTERM')
    await wait(2_000)
    await client.query('commit')
    expect((await answer).status).toBe(201)
    expect(await stopped).toBe(0)
    agent.destroy()
  } finally {
    await client.end()
  }
})

test('a server that drains says so, and answers as ever meanwhile', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({
    DATABASE_URL: database.url,
    SOTTO_SERVICE_KEY: key,
    // Time enough for a busy machine to ask all of this.
    SOTTO_DRAIN_SECONDS: '5',
  })
  await makeUsers(server)
  const startedAt = performance.now()
  const stopped = server.stop()
  // Each on a connection of its own, which a port that is closed would refuse.
  const fresh = () => new Agent()
  await expect.poll(async () => (await call(fresh(), server.url, '/readyz')).status).toBe(503)
  expect((await call(fresh(), server.url, '/healthz')).status).toBe(200)
  const kept = new Agent({ keepAlive: true })
  const send = { from: 'alice', to: 'bob', text: 'still there?' }
  expect((await call(kept, server.url, '/v1/messages', send)).status).toBe(201)
  // Nor does it send away whoever keeps a connection.
  expect(Object.keys(kept.freeSockets)).toHaveLength(1)
  kept.destroy()
  expect(await stopped).toBe(0)
  expect(performance.now() - startedAt).toBeGreaterThan(5_000)
})

test('a stop answers those who have just connected', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  const { port } = new URL(server.url)
  const request = `GET /v1/users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n\r\n`
  // Stopped in its tracks, it finds them all waiting when it goes on, and the wish to stop beside them.
  server.child.kill('SIGSTOP')
  const sockets = Array.from({ length: 100 }, () => createConnection(Number(port), '127.0.0.1'))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const answers = sockets.map((socket) => {
    socket.write(request)
    return text(socket).catch(String)
  })
  const stopped = server.stop()
  server.child.kill('SIGCONT')
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(await stopped).toBe(0)
})

test('signals that come together stop it once, and whole', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  const idle = new Agent({ keepAlive: true })
  expect((await call(idle, server.url, '/readyz')).status).toBe(200)
  server.child.kill('SIGINT')
  server.child.kill('SIGTERM')
  // The idle connection keeps the stop going; now each comes once more.
  await expect.poll(() => server.output.stdout).toContain('"stopping"')
  server.child.kill('SIGTERM')
  expect(await server.stop('SIGINT')).toBe(0)
  idle.destroy()
  expect(server.output.stdout.match(/"stopping"/g)).toHaveLength(1)
  expect(server.output.stderr).toBe('')
})

test('metrics are told to the end of a stop, and end with it', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({
    DATABASE_URL: database.url,
    SOTTO_SERVICE_KEY: key,
    METRICS_PORT: '0',
  })
  const metrics = /"metrics":"([^"]+)"/.exec(server.output.stdout)?.[1] ?? ''
  const scraper = new Agent({ keepAlive: true })
  const { status, body } = await call(scraper, metrics, '/metrics')
  expect({ status, isThere: body.includes('# TYPE sotto_requests_total counter') }).toEqual({
    status: 200,
    isThere: true,
  })
  // The connection that it keeps does not hold up the stop.
  expect(await server.stop()).toBe(0)
  await expect(call(scraper, metrics, '/metrics')).rejects.toThrow()
  scraper.destroy()
  expect(server.output.stderr).toBe('')
})

test('a request that never ends is cut off, and the stop is still a good one', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  const socket = createConnection(Number(new URL(server.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"',
  )
  socket.on('error', () => {})
  const startedAt = performance.now()
  // The server has it when it answers what came after it.
  await fetch(`${server.url}/healthz`)
  expect(await server.stop()).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  expect(server.output.stdout).toContain('requests did not finish in time')
  socket.destroy()
})

test('a connection that was opened in advance and never used does not hold up the stop', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  const socket = createConnection(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  // The server has taken the connection when it answers on a later one.
  await fetch(`${server.url}/healthz`)
  expect(await server.stop()).toBe(0)
  expect(server.output.stdout).not.toContain('requests did not finish in time')
})
