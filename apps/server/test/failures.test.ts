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

/* What happens when the server itself is in trouble, by causes that really occur. */

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

/** More than the pool has connections, so that each of them is met. */
function severalAtOnce(server: TestServer) {
  return Promise.all(Array.from({ length: 25 }, () => listUsers(server)))
}

/** A connection that is dead by now may still be handed out once. */
async function expectToRecover(server: TestServer): Promise<void> {
  const statuses = async () => new Set((await severalAtOnce(server)).map(({ status }) => status))
  await expect.poll(statuses).toEqual(new Set([200]))
}

describe.each(dialects)('a failure that nobody foresaw on %s', (using) => {
  test('is INTERNAL, tells nothing of itself, and is logged whole with the request id', async () => {
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
        'x-request-id': 'the-unlucky-one',
      },
      body: JSON.stringify({ to: 'bob', text: 'a text that no log may hold' }),
    })

    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      type: 'urn:sotto:error:INTERNAL',
      title: 'Internal server error',
      status: 500,
      detail: 'Internal server error',
      code: 'INTERNAL',
      requestId: 'the-unlucky-one',
    })
    const logged = server.logs.filter((line) => line.includes('the-unlucky-one') && line.includes('"err"'))
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatch(/unique/i)
    expect(server.logs.join('\n')).not.toContain('a text that no log may hold')
    // Nothing of it stays behind: the number it had taken goes to the next message.
    expect((await alice.messages.send({ to: 'bob', text: 'second' })).seq).toBe(2)
  })
})

function adminUrl(): URL {
  return new URL(process.env.SOTTO_TEST_POSTGRES_URL ?? '')
}

describe('PostgreSQL that goes away', () => {
  /** A server whose database is known by the name of its user. */
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
          // It owns the template that other tests may be copying.
        })
        await admin.end()
      },
    }
  }

  test('is UNAVAILABLE while connections are refused, and is used again when it is back', async () => {
    await using world = await startServer()
    const { server, admin, database } = world
    await admin.query(`alter database ${database} allow_connections false`)
    await world.terminate()

    for (const answer of await severalAtOnce(server)) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    }
    expect((await server.fetch('/readyz')).status).toBe(503)
    expect((await server.fetch('/healthz')).status).toBe(200)

    await admin.query(`alter database ${database} allow_connections true`)
    await expectToRecover(server)
    expect((await server.fetch('/readyz')).status).toBe(200)
  })

  test('loses no more than the calls that were under way when its connections are cut', async () => {
    await using world = await startServer()
    await severalAtOnce(world.server)
    await world.terminate()
    await expectToRecover(world.server)
  })

  test('fails the calls that were waiting for it, and not the process', async () => {
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

  test('is given up when it says nothing any more, as after a failover, and the one in its place is used', async () => {
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
    const waiting = severalAtOnce(server)
    proxy.restore()
    // Those with a connection of before. Others have a new one.
    const refused = (await waiting).filter(({ status }) => status !== 200)
    expect(refused).not.toEqual([])
    for (const answer of refused) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    }
    await expectToRecover(server)
    await alice.messages.send({ to: 'bob', text: 'after' })
    await expect.poll(() => received.at(-1)).toBe('after')
    leaving.abort()
    await reading.catch(() => {})
  }, 60_000)

  test('is UNAVAILABLE when the database is not there', async () => {
    await using world = await startServer()
    const { server, admin, database } = world
    await world.terminate()
    await admin.query(`alter database ${database} rename to ${database}_away`)

    for (const answer of await severalAtOnce(server)) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    }

    await admin.query(`alter database ${database}_away rename to ${database}`)
    await expectToRecover(server)
  })
})

/** Another process in the midst of a write: SQLite's locks are between processes. */
async function holdWriteLock(file: string): Promise<AsyncDisposable> {
  const program = `
    const database = new (require('node:sqlite').DatabaseSync)(process.argv[1])
    database.exec('begin immediate')
    console.log('held')
    process.stdin.resume()`
  const child = spawn(process.execPath, ['-e', program, file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  await once(child.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      child.kill()
      await gone
    },
  }
}

describe('an SQLite file that another process holds', () => {
  test('is UNAVAILABLE for writers, readable all the while, and written again when it is free', async () => {
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
      const refused = await writing
      expect(refused.status).toBe(503)
      expect(await refused.json()).toMatchObject({ code: 'UNAVAILABLE' })

      await other[Symbol.asyncDispose]()
      expect((await users({ method: 'POST', body: '{"username":"alice"}' })).status).toBe(201)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})

test('more log-ins at once than can wait are RATE_LIMITED, and the others are answered', async () => {
  await using server = await createTestServer({ settings: { trustedProxies: ['loopback'] } })
  const attempts = Array.from({ length: 230 }, (_, index) =>
    server.fetch('/v1/sessions', {
      method: 'POST',
      // From many addresses: one of them may not have as many calls under way.
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
