import { randomBytes } from 'node:crypto'
import { createClient } from '@sotto/sdk'
import { queryPostgres, sotto, spawnServer } from '@sotto/testing/internal'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { POOL_SIZE, startPgbouncer } from './pgbouncer.ts'

const KEY = 'sk_pooled'

/** Creates a database and an unprivileged role that owns it. */
async function createRoleAndDatabase(): Promise<AsyncDisposable & { url: string; role: string }> {
  const admin = process.env.SOTTO_TEST_POSTGRES_URL ?? ''
  const name = `sotto_pooled_${randomBytes(8).toString('hex')}`
  await queryPostgres(admin, `create role ${name} login`)
  await queryPostgres(admin, `create database ${name} owner ${name}`)
  const url = new URL(admin)
  url.username = name
  url.password = ''
  url.pathname = `/${name}`
  return {
    url: url.href,
    role: name,
    async [Symbol.asyncDispose]() {
      await queryPostgres(admin, `drop database ${name} with (force)`)
      await queryPostgres(admin, `drop role ${name}`)
    },
  }
}

/** Runs a query in every session of the pooler and returns the first row of each. */
async function inEverySession(url: string, text: string): Promise<unknown[]> {
  const clients = Array.from({ length: POOL_SIZE }, () => new pg.Client({ connectionString: url }))
  await Promise.all(clients.map((client) => client.connect()))
  try {
    // Every transaction occupies one session.
    for (const client of clients) await client.query('begin')
    const results = await Promise.all(clients.map((client) => client.query(text)))
    return results.map(({ rows }) => rows[0])
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

describe('two servers behind PgBouncer in transaction mode', { timeout: 90_000 }, () => {
  test('send, list and stream in order, with timeouts in every session', async () => {
    await using database = await createRoleAndDatabase()
    await using pooler = await startPgbouncer(database.url)
    const settings = {
      DATABASE_URL: pooler.through(database.url),
      DATABASE_DIRECT_URL: database.url,
      DATABASE_PREPARED_STATEMENTS: 'off',
      SOTTO_SERVICE_KEY: KEY,
      SOTTO_MIGRATE: 'off',
      SOTTO_LIMIT_SENDS: 'off',
    }
    expect(await sotto(['migrate'], settings)).toMatchObject({ code: 0 })
    await using first = await spawnServer(settings)
    await using second = await spawnServer(settings)
    const [alice, bob] = ['alice', 'bob'].map((user, index) =>
      createClient({ url: index === 0 ? first.url : second.url, token: KEY }).as(user),
    )
    const keys = createClient({ url: first.url, token: KEY })
    for (const username of ['alice', 'bob']) await keys.users.create({ username })

    const stream = new AbortController()
    const received: number[] = []
    const { promise: connected, resolve: connect } = Promise.withResolvers<void>()
    const reading = (async () => {
      for await (const event of bob?.events({
        signal: stream.signal,
        onStatus: (status) => status === 'connected' && connect(),
      }) ?? []) {
        if (event.type === 'message.created') received.push(event.message.seq)
      }
    })().catch(() => {})
    await connected
    const numbers = Array.from({ length: 60 }, (_, index) => index + 1)
    // Both write to the conversation at the same time.
    await Promise.all(
      numbers.map((n) =>
        n % 2
          ? alice?.messages.send({ to: 'bob', text: String(n) })
          : bob?.messages.send({ to: 'alice', text: String(n) }),
      ),
    )
    await expect.poll(() => received.length, { timeout: 20_000 }).toBe(numbers.length)
    expect(received).toEqual(numbers)
    const { items } = (await alice?.direct.messages({ user: 'bob', after: 0, limit: 100 })) ?? { items: [] }
    expect(items.map(({ seq }) => seq)).toEqual(numbers)
    stream.abort()
    await reading

    const sessions = await queryPostgres(
      database.url,
      `select count(*)::int as count from pg_stat_activity
       where usename = '${database.role}' and application_name = 'sotto'`,
    )
    expect(sessions.rows[0].count).toBeLessThanOrEqual(POOL_SIZE)
    const timeouts = await inEverySession(
      settings.DATABASE_URL,
      `select current_setting('statement_timeout') as statement,
         current_setting('idle_in_transaction_session_timeout') as idle,
         current_setting('transaction_timeout', true) as transaction, current_setting('random_page_cost') as cost`,
    )
    const { rows } = await queryPostgres(
      database.url,
      "select current_setting('transaction_timeout', true) as inherited",
    )
    expect(timeouts).toEqual(
      Array.from({ length: POOL_SIZE }, () => ({
        statement: '10s',
        idle: '5s',
        transaction: rows[0].inherited === null ? null : '15s',
        cost: '1.1',
      })),
    )
    for (const server of [first, second]) {
      expect(server.output.stdout).not.toContain('have no timeouts')
      expect(await server.stop()).toBe(0)
    }
  })

  test('warn if its sessions have no timeouts, and keep timeouts that the operator set', async () => {
    await using database = await createRoleAndDatabase()
    // With only the direct URL, `sotto migrate` does not know about the pooler.
    expect(await sotto(['migrate'], { DATABASE_URL: database.url })).toMatchObject({ code: 0 })
    await using pooler = await startPgbouncer(database.url)
    const settings = {
      DATABASE_URL: pooler.through(database.url),
      DATABASE_DIRECT_URL: database.url,
      DATABASE_PREPARED_STATEMENTS: 'off',
    }
    await using server = await spawnServer({ ...settings, SOTTO_MIGRATE: 'off' })
    expect(server.output.stdout).toContain('connections of the pooler have no timeouts')
    await server.stop()

    await queryPostgres(
      database.url,
      `alter role ${database.role} in database ${database.role} set statement_timeout = '20s'`,
    )
    expect(await sotto(['migrate'], settings)).toMatchObject({ code: 0 })
    await using reconnected = await startPgbouncer(database.url)
    const [session] = await inEverySession(
      reconnected.through(database.url),
      `select current_setting('statement_timeout') as statement,
         current_setting('idle_in_transaction_session_timeout') as idle`,
    )
    expect(session).toEqual({ statement: '20s', idle: '5s' })
  })
})
