import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createServer, memoryLogger, newServiceKey, readConfig } from '@sotto/server'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, openTcpProxy } from '@sotto/testing/internal'
import pg from 'pg'
import { describe, expect, test } from 'vitest'

/* How the server behaves when it fails internally or its database does. */

interface Problem {
  code: string
  requestId: string
}

async function listUsers(server: TestServer): Promise<{ status: number; headers: Headers; body: Problem }> {
  const response = await server.fetch('/v1/users', {
    headers: { authorization: `Bearer ${server.serviceKey}` },
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Problem }
}

/** More calls than the pool has connections, so that every connection is used. */
function listUsersConcurrently(server: TestServer) {
  return Promise.all(Array.from({ length: 25 }, () => listUsers(server)))
}

/** Polls, because the pool may still hand out a dead connection once. */
async function expectToRecover(server: TestServer): Promise<void> {
  const statuses = async () => new Set((await listUsersConcurrently(server)).map(({ status }) => status))
  await expect.poll(statuses).toEqual(new Set([200]))
}

describe.each(dialects)('an unexpected failure on %s', (using) => {
  test('returns INTERNAL without details, and logs the full error with the request id', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const alice = server.as('alice')
    const { id } = await alice.messages.send({ to: 'bob', text: 'first' })
    server.giveIds(id)

    const response = await server.fetch('/v1/messages', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.serviceKey}`,
        'act-as': 'alice',
        'content-type': 'application/json',
        'x-request-id': 'the-failing-request',
      },
      body: JSON.stringify({ to: 'bob', text: 'a text that must not be logged' }),
    })

    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      type: 'urn:sotto:error:INTERNAL',
      title: 'Internal server error',
      status: 500,
      detail: 'Internal server error',
      code: 'INTERNAL',
      requestId: 'the-failing-request',
    })
    const logged = server.logs.filter(
      (line) => line.includes('the-failing-request') && line.includes('"err"'),
    )
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatch(/unique/i)
    expect(server.logs.join('\n')).not.toContain('a text that must not be logged')
    // The failed message was rolled back: its seq goes to the next message.
    expect((await alice.messages.send({ to: 'bob', text: 'second' })).seq).toBe(2)
  })
})

function adminUrl(): URL {
  return new URL(process.env.SOTTO_TEST_POSTGRES_URL ?? '')
}

describe('when PostgreSQL fails', () => {
  /** Starts a server that connects as its own role, by which its connections can be found. */
  async function startServer() {
    const admin = new pg.Client({ connectionString: adminUrl().href })
    await admin.connect()
    const role = `failing_${randomBytes(6).toString('hex')}`
    await admin.query(`create role ${role} superuser login password '${role}'`)
    const url = adminUrl()
    url.username = role
    url.password = role
    const server = await createTestServer({ using: { postgres: url.href }, users: ['alice'] })
    const { rows } = await admin.query('select distinct datname from pg_stat_activity where usename = $1', [
      role,
    ])
    const database = String(rows[0].datname)
    return {
      server,
      admin,
      database,
      terminate: () =>
        admin.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1', [
          role,
        ]),
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]()
        await admin.query(`drop owned by ${role}`)
        await admin.query(`drop role ${role}`).catch(() => {
          // The role owns the template database that other tests may be copying.
        })
        await admin.end()
      },
    }
  }

  test('calls are UNAVAILABLE until connections are accepted again', async () => {
    await using setup = await startServer()
    const { server, admin, database } = setup
    await admin.query(`alter database ${database} allow_connections false`)
    await setup.terminate()

    for (const answer of await listUsersConcurrently(server)) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    }
    expect((await server.fetch('/readyz')).status).toBe(503)
    expect((await server.fetch('/healthz')).status).toBe(200)

    await admin.query(`alter database ${database} allow_connections true`)
    await expectToRecover(server)
    expect((await server.fetch('/readyz')).status).toBe(200)
  })

  test('closed connections affect only calls in progress', async () => {
    await using setup = await startServer()
    await listUsersConcurrently(setup.server)
    await setup.terminate()
    await expectToRecover(setup.server)
  })

  test('calls waiting for the database fail, but the process keeps running', async () => {
    await using proxy = await openTcpProxy(adminUrl().href)
    await using server = await createTestServer({ using: { postgres: proxy.url }, users: ['alice'] })
    const database = adminUrl()
    const [, name] = /database\0([^\0]+)/.exec(String(proxy.greetings.at(-1))) ?? []
    database.pathname = `/${name}`
    const holder = new pg.Client({ connectionString: database.href })
    await holder.connect()
    await holder.query('begin')
    await holder.query('lock table users in access exclusive mode')
    const waiting = Promise.all(Array.from({ length: 5 }, () => listUsers(server)))
    const stuck = `select count(*)::int as count from pg_locks where relation = 'users'::regclass and not granted`
    await expect.poll(async () => (await holder.query(stuck)).rows[0].count, { interval: 20 }).toBe(5)

    proxy.reset()
    for (const answer of await waiting) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    }
    await holder.end()
    await expectToRecover(server)
  })

  test('silent connections, as after a failover, are detected and replaced', async () => {
    await using proxy = await openTcpProxy(adminUrl().href)
    await using server = await createTestServer({ using: { postgres: proxy.url }, users: ['alice', 'bob'] })
    const alice = server.as('alice')
    const received: (string | null)[] = []
    const leaving = new AbortController()
    const reading = (async () => {
      for await (const event of server.as('bob').events({ signal: leaving.signal })) {
        if (event.type === 'message.created') received.push(event.message.text)
      }
    })()
    await expect
      .poll(async () => {
        await alice.messages.send({ to: 'bob', text: 'before' })
        return received.length
      })
      .toBeGreaterThan(0)

    proxy.stall()
    const waiting = listUsersConcurrently(server)
    proxy.restore()
    // Calls on an old connection. The others got a new one.
    const rejected = (await waiting).filter(({ status }) => status !== 200)
    expect(rejected).not.toEqual([])
    for (const answer of rejected) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    }
    await expectToRecover(server)
    await alice.messages.send({ to: 'bob', text: 'after' })
    await expect.poll(() => received.at(-1)).toBe('after')
    leaving.abort()
    await reading.catch(() => {})
  }, 60_000)

  test('calls are UNAVAILABLE if the database is missing', async () => {
    await using setup = await startServer()
    const { server, admin, database } = setup
    await setup.terminate()
    await admin.query(`alter database ${database} rename to ${database}_away`)

    for (const answer of await listUsersConcurrently(server)) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    }

    await admin.query(`alter database ${database}_away rename to ${database}`)
    await expectToRecover(server)
  })
})

/** Starts another process with an open write transaction: SQLite locks apply between processes. */
async function holdWriteLock(file: string): Promise<AsyncDisposable> {
  const program = `
    const database = new (require('node:sqlite').DatabaseSync)(process.argv[1])
    database.exec('begin immediate')
    console.log('held')
    process.stdin.resume()`
  const child = spawn(process.execPath, ['-e', program, file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      child.kill()
      await exited
    },
  }
}

describe('an SQLite file locked by another process', () => {
  test('can be read, but writes are UNAVAILABLE until it is unlocked', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'sotto-busy-'))
    const file = path.join(directory, 'sotto.db')
    const serviceKey = newServiceKey()
    try {
      await using server = await createServer(
        { ...readConfig({}), port: 0, databaseUrl: `file:${file}`, serviceKey },
        { log: memoryLogger([]) },
      )
      const users = (init: RequestInit = {}) =>
        server.fetch(
          new Request('http://sotto.test/v1/users', {
            ...init,
            headers: { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' },
          }),
        )
      await using other = await holdWriteLock(file)

      const writing = users({ method: 'POST', body: '{"username":"alice"}' })
      expect((await users()).status).toBe(200)
      const rejected = await writing
      expect(rejected.status).toBe(503)
      expect(await rejected.json()).toMatchObject({ code: 'UNAVAILABLE' })

      await other[Symbol.asyncDispose]()
      expect((await users({ method: 'POST', body: '{"username":"alice"}' })).status).toBe(201)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})

test('concurrent sign-ins above the queue limit are RATE_LIMITED, and the others are answered', async () => {
  await using server = await createTestServer({ settings: { trustedProxies: ['loopback'] } })
  const attempts = Array.from({ length: 230 }, (_, index) =>
    server.fetch('/v1/sessions', {
      method: 'POST',
      // From many addresses, because calls in progress are limited per address.
      headers: { 'content-type': 'application/json', 'x-forwarded-for': `203.0.113.${index}` },
      body: JSON.stringify({ username: `user-${index}`, password: 'a wrong password' }),
    }),
  )
  const answers = await Promise.all(attempts)
  const limited = answers.filter(({ status }) => status === 429)

  expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThan(100)
  expect(limited.length).toBe(230 - answers.filter(({ status }) => status === 401).length)
  expect(limited[0]?.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await limited[0]?.json()).toMatchObject({ code: 'RATE_LIMITED', status: 429 })
})
