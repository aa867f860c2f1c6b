import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, type StartedServer, spawnServer, startSotto } from '@sotto/testing/internal'
import pg from 'pg'
import { describe, expect, test } from 'vitest'

const key = 'sk_of-this-test'
const CONNECTIONS = 32
/** Long enough for every connection to be in use. */
const UNDER_LOAD_MS = 700

interface HttpResponse {
  status: number
  body: string
}

function call(agent: Agent, url: string, path: string, body?: object): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>()
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

async function createUsers(server: StartedServer): Promise<void> {
  const client = createClient({ url: server.url, token: key })
  for (const username of ['alice', 'bob']) await client.users.create({ username })
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}

describe.each(['sqlite', 'postgres'] as const)('a shutdown on %s', (using) => {
  test('under load fails no request and loses no message', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key }
    await using server = await spawnServer(settings)
    await createUsers(server)

    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const acknowledged: string[] = []
    const failures: string[] = []
    async function sendUntilStopped(worker: number): Promise<void> {
      for (let count = 0; ; count++) {
        try {
          const send = { from: 'alice', to: 'bob', text: `${worker} ${count}` }
          const response =
            count % 3 === 2
              ? await call(agent, server.url, '/v1/messages?between=alice,bob')
              : await call(agent, server.url, '/v1/messages', send)
          if (response.status === 201) acknowledged.push((JSON.parse(response.body) as { id: string }).id)
          else if (response.status !== 200) failures.push(`${response.status} ${response.body}`)
        } catch (error) {
          // A stopping server refuses new connections.
          if (!isRefused(error)) failures.push(String(error))
          return
        }
      }
    }
    const workers = Array.from({ length: CONNECTIONS }, (_, worker) => sendUntilStopped(worker))
    await wait(UNDER_LOAD_MS)
    const stopped = server.stop('SIGTERM')
    await Promise.all(workers)
    expect(await stopped).toBe(0)
    agent.destroy()
    expect(failures).toEqual([])
    expect(server.output.stderr).toBe('')
    expect(acknowledged.length).toBeGreaterThan(CONNECTIONS)

    await using again = await startSotto(settings)
    const client = createClient({ url: again.url, token: key })
    const found = new Set<string>()
    for await (const page of client.messages.between(['alice', 'bob'], { limit: 200 }).pages()) {
      for (const message of page.items) found.add(message.id)
    }
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
  })
})

test('a shutdown waits longer for a request than for idle connections', async () => {
  await using database = await createEmptyDatabase('postgres')
  await using server = await startSotto({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  await createUsers(server)
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('lock table messages')
    const agent = new Agent({ keepAlive: true })
    const response = call(agent, server.url, '/v1/messages', { from: 'alice', to: 'bob', text: 'slow' })
    await expect
      .poll(async () => {
        const { rows } = await client.query('select count(*) from pg_locks where not granted')
        return Number(rows[0].count)
      })
      .toBeGreaterThan(0)
    const stopped = server.stop('SIGTERM')
    await wait(2_000)
    await client.query('commit')
    expect((await response).status).toBe(201)
    expect(await stopped).toBe(0)
    agent.destroy()
  } finally {
    await client.end()
  }
})

test('a draining server is not ready, but still handles requests', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await startSotto({
    DATABASE_URL: database.url,
    SOTTO_SERVICE_KEY: key,
    // Enough time for all these requests on a busy machine.
    SOTTO_DRAIN_SECONDS: '5',
  })
  await createUsers(server)
  const startedAt = performance.now()
  const stopped = server.stop()
  // Each request uses a new connection, which a closed port would refuse.
  const newConnection = () => new Agent()
  await expect.poll(async () => (await call(newConnection(), server.url, '/readyz')).status).toBe(503)
  expect((await call(newConnection(), server.url, '/healthz')).status).toBe(200)
  const kept = new Agent({ keepAlive: true })
  const send = { from: 'alice', to: 'bob', text: 'still there?' }
  expect((await call(kept, server.url, '/v1/messages', send)).status).toBe(201)
  // The server does not close kept-alive connections either.
  expect(Object.keys(kept.freeSockets)).toHaveLength(1)
  kept.destroy()
  expect(await stopped).toBe(0)
  expect(performance.now() - startedAt).toBeGreaterThan(5_000)
})

test('a shutdown answers requests on connections that were just opened', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  const { port } = new URL(server.url)
  const request = `GET /v1/users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n\r\n`
  // The paused process finds the connections and the stop signal waiting when it continues.
  server.child.kill('SIGSTOP')
  const sockets = Array.from({ length: 100 }, () => createConnection(Number(port), '127.0.0.1'))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const responses = sockets.map((socket) => {
    socket.write(request)
    return text(socket).catch(String)
  })
  const stopped = server.stop()
  server.child.kill('SIGCONT')
  for (const response of await Promise.all(responses)) expect(response).toMatch(/^HTTP\/1\.1 200 /)
  expect(await stopped).toBe(0)
})

test('several signals cause one complete shutdown', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await spawnServer({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  const idle = new Agent({ keepAlive: true })
  expect((await call(idle, server.url, '/readyz')).status).toBe(200)
  server.child.kill('SIGINT')
  server.child.kill('SIGTERM')
  // The idle connection prolongs the shutdown, during which both signals are sent again.
  await expect.poll(() => server.output.stdout).toContain('"stopping"')
  server.child.kill('SIGTERM')
  expect(await server.stop('SIGINT')).toBe(0)
  idle.destroy()
  expect(server.output.stdout.match(/"stopping"/g)).toHaveLength(1)
  expect(server.output.stderr).toBe('')
})

test('a shutdown closes the metrics port without waiting for its connections', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await startSotto({
    DATABASE_URL: database.url,
    SOTTO_SERVICE_KEY: key,
    METRICS_PORT: '0',
  })
  const metrics = /"metrics":"([^"]+)"/.exec(server.output.stdout)?.[1] ?? ''
  const scraper = new Agent({ keepAlive: true })
  const { status, body } = await call(scraper, metrics, '/metrics')
  expect({ status, hasRequests: body.includes('# TYPE sotto_requests_total counter') }).toEqual({
    status: 200,
    hasRequests: true,
  })
  // The kept-alive connection does not delay the shutdown.
  expect(await server.stop()).toBe(0)
  await expect(call(scraper, metrics, '/metrics')).rejects.toThrow()
  scraper.destroy()
  expect(server.output.stderr).toBe('')
})

test('an unfinished request is cut off, and the shutdown still succeeds', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await startSotto({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  const socket = createConnection(Number(new URL(server.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"',
  )
  socket.on('error', () => {})
  const startedAt = performance.now()
  // When this returns, the server has received the request above.
  await fetch(`${server.url}/healthz`)
  expect(await server.stop()).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  expect(server.output.stdout).toContain('requests did not finish in time')
  socket.destroy()
})

test('an unused connection does not delay a shutdown', async () => {
  await using database = await createEmptyDatabase('sqlite')
  await using server = await startSotto({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
  const socket = createConnection(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  // When this returns, the server has accepted the connection above.
  await fetch(`${server.url}/healthz`)
  expect(await server.stop()).toBe(0)
  expect(server.output.stdout).not.toContain('requests did not finish in time')
})
