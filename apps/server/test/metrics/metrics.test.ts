import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import {
  dialects,
  listen,
  type RunningServer,
  scrape,
  startServer,
  withPostgres,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const settings = { metricsPort: 0 }
const users = ['alice', 'bob']

/** The metrics listed in docs/metrics.md, with their types. */
async function documentedMetrics(): Promise<Map<string, string>> {
  const page = await readFile(path.join(import.meta.dirname, '../../../../docs/metrics.md'), 'utf8')
  return new Map(
    [...page.matchAll(/^\| `(sotto_\w+)` \| (\w+) \|/gm)].map(([, name = '', type = '']) => [name, type]),
  )
}

describe.each(dialects)('metrics on %s', (using) => {
  test('match docs/metrics.md, and include process metrics', async () => {
    await using server = await startServer(using, { settings })
    const { types, helps } = await scrape(server)
    const own = new Map([...types].filter(([name]) => name.startsWith('sotto_')))
    const expected = await documentedMetrics()
    if (using === 'sqlite')
      for (const name of expected.keys()) if (name.includes('_pool_')) expected.delete(name)
    expect(Object.fromEntries([...own].toSorted())).toEqual(Object.fromEntries([...expected].toSorted()))
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(types.has(name)).toBe(true)
    }
    expect([...types.keys()].filter((name) => !helps.has(name))).toEqual([])
  })

  test('count requests by operation, transport and code', async () => {
    await using server = await startServer(using, { users, settings })
    await server.send('alice', 'bob', 'one')
    await server.send('alice', 'bob', 'two')
    await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: { ...server.headers('alice'), 'content-type': 'application/json' },
      body: '{"to":"bob"}',
    })
    await fetch(`${server.url}/v1/messages`, { headers: { authorization: 'Bearer sk_wrong' } })
    await fetch(`${server.url}/v1/nothing/${'x'.repeat(50)}`)
    await fetch(`${server.url}/healthz`)
    await server.client.users.get({ user: 'alice' })
    await server.client.users.get({ user: 'nobody' }).catch(() => {})
    await fetch(`${server.url}/trpc/users.nothing`)

    const page = await scrape(server)
    const count = (operation: string, transport: string, code: string) =>
      page.value('sotto_requests_total', { operation, transport, code })
    expect(count('messages.send', 'rest', 'ok')).toBe(2)
    expect(count('messages.send', 'rest', 'INVALID_INPUT')).toBe(1)
    expect(count('messages.list', 'rest', 'UNAUTHENTICATED')).toBe(1)
    expect(count('unknown', 'rest', 'ROUTE_NOT_FOUND')).toBe(1)
    expect(count('users.create', 'rpc', 'ok')).toBe(2)
    expect(count('users.get', 'rpc', 'ok')).toBe(1)
    expect(count('users.get', 'rpc', 'USER_NOT_FOUND')).toBe(1)
    expect(count('unknown', 'rpc', 'ROUTE_NOT_FOUND')).toBe(1)
    expect(page.series('sotto_requests_total')).toHaveLength(8)
    expect(page.value('sotto_messages_sent_total')).toBe(2)

    const timed = { operation: 'messages.send', transport: 'rest' }
    expect(page.value('sotto_request_duration_seconds_count', timed)).toBe(3)
    expect(page.value('sotto_request_duration_seconds_bucket', { ...timed, le: '10' })).toBe(3)
    expect(page.value('sotto_request_duration_seconds_sum', timed)).toBeGreaterThan(0)
    expect(page.series('sotto_request_duration_seconds_count')).not.toContainEqual(
      expect.objectContaining({ labels: expect.objectContaining({ operation: 'unknown' }) }),
    )
  })

  test('count a retried message once', async () => {
    await using server = await startServer(using, { users, settings })
    for (let i = 0; i < 2; i++) {
      await server.call('alice', 'POST', '/v1/messages', {
        to: 'bob',
        text: 'once',
        clientMessageId: 'the same',
      })
    }
    const page = await scrape(server)
    expect(page.value('sotto_messages_sent_total')).toBe(1)
    expect(page.value('sotto_requests_total', { operation: 'messages.send', code: 'ok' })).toBe(2)
  })

  test('cover open and ended streams, the events they sent and the delay', async () => {
    await using server = await startServer(using, { users, settings })
    expect((await scrape(server)).value('sotto_log_read_age_seconds')).toBeUndefined()
    const sse = await server.sse('bob')
    const ws = await server.ws('alice')
    await server.send('alice', 'bob', 'hi')
    await sse.inbox.untilText('hi')
    await ws.inbox.untilText('hi')

    const open = await scrape(server)
    expect(open.value('sotto_streams_open', { transport: 'stream' })).toBe(1)
    expect(open.value('sotto_streams_open', { transport: 'ws' })).toBe(1)
    for (const transport of ['stream', 'ws']) {
      expect(open.value('sotto_requests_total', { operation: 'events.stream', transport, code: 'ok' })).toBe(
        1,
      )
    }
    // The conversation and the message, on both streams. A delivery receipt may follow.
    expect(open.value('sotto_stream_events_total')).toBeGreaterThanOrEqual(4)
    expect(open.value('sotto_log_delay_seconds_count')).toBeGreaterThanOrEqual(2)
    expect(open.value('sotto_log_read_age_seconds')).toBeLessThan(3)

    sse.close()
    ws.close()
    await expect
      .poll(async () => (await scrape(server)).series('sotto_streams_open').map(({ value }) => value))
      .toEqual([0, 0])
    const ended = await scrape(server)
    expect(ended.value('sotto_streams_ended_total', { transport: 'stream', reason: 'reader' })).toBe(1)
    expect(ended.value('sotto_streams_ended_total', { transport: 'ws', reason: 'reader' })).toBe(1)
    // Counted when it opened, and not again when it ended.
    expect(ended.value('sotto_requests_total', { operation: 'events.stream', transport: 'stream' })).toBe(1)
  })

  test('count rate-limited requests by policy', async () => {
    const limits = {
      logins: null,
      sends: null,
      writes: null,
      streams: null,
      keys: { count: 3, seconds: 60 },
      reads: null,
    }
    await using server = await startServer(using, { settings: { ...settings, limits } })
    const call = () => fetch(`${server.url}/v1/users`, { headers: server.headers() })
    for (let i = 0; i < 5; i++) await call()
    const page = await scrape(server)
    expect(page.value('sotto_rate_limited_total', { policy: 'keys' })).toBe(2)
    expect(page.value('sotto_requests_total', { operation: 'users.list', code: 'RATE_LIMITED' })).toBe(2)
  })

  test('are served read-only on a separate port', async () => {
    await using server = await startServer(using, { settings })
    const { metricsUrl = '' } = server
    expect(new URL(metricsUrl).port).not.toBe(new URL(server.url).port)
    expect((await fetch(`${server.url}/metrics`, { headers: server.headers() })).status).toBe(404)
    expect((await fetch(new URL('/v1/users', metricsUrl), { headers: server.headers() })).status).toBe(404)
    expect((await fetch(metricsUrl, { method: 'POST' })).status).toBe(405)
    const { headers } = await fetch(metricsUrl)
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test('stop with the server, and are off by default', async () => {
    await using server = await startServer(using, { settings, inFile: true })
    const { metricsUrl = '' } = server
    await fetch(metricsUrl)
    await server.close()
    await expect(fetch(metricsUrl)).rejects.toThrow()
    const withoutMetrics = await server.another({ metricsPort: undefined })
    expect(withoutMetrics.metricsUrl).toBeUndefined()
  })
})

test('the size of group commits is measured on SQLite', async () => {
  await using server = await startServer('sqlite', { settings, inFile: true })
  const { db } = server.app
  // Started together, like requests that arrive in the same iteration of the event loop.
  const work = () => db.transaction().execute((trx) => trx.selectFrom('event_log').selectAll().execute())
  await Promise.all(Array.from({ length: 20 }, work))
  const page = await scrape(server)
  const sum = page.value('sotto_sqlite_commit_transactions_sum') ?? 0
  expect(sum).toBeGreaterThanOrEqual(20)
  expect(page.value('sotto_sqlite_commit_transactions_count')).toBeLessThan(sum)
})

describe('metrics on PostgreSQL', () => {
  test('report the use of the connection pool', async () => {
    await using server = await startServer('postgres', { users, settings })
    const { db } = server.app
    await db.transaction().execute(async (trx) => {
      await trx.selectFrom('event_log').selectAll().execute()
      const page = await scrape(server)
      expect(page.value('sotto_database_pool_size')).toBe(10)
      expect(page.value('sotto_database_pool_in_use')).toBe(1)
      expect(page.value('sotto_database_pool_waiting')).toBe(0)
    })
  })

  test('count hints between servers, and events found without one', {
    timeout: 20_000,
  }, async () => {
    await using server = await startServer('postgres', { users, settings })
    const other = await server.another()
    const { conversationId } = await server.send('alice', 'bob', 'first')
    await using bob = await other.sse('bob')
    await server.send('alice', 'bob', 'second')
    await bob.inbox.untilText('second')
    const value = async (server: RunningServer, name: string) => (await scrape(server)).value(name) ?? 0
    expect(await value(server, 'sotto_hints_sent_total')).toBeGreaterThan(0)
    await expect.poll(() => value(other, 'sotto_hints_received_total')).toBeGreaterThan(0)

    const before = await value(other, 'sotto_hints_missed_total')
    const { id } = await server.client.users.get({ user: 'alice' })
    const insert = `insert into events (type, conversation_id, user_id, seq, created_at)
      values ('receipt.read', $1, $2, 1, now())`
    // Repeated, because the hint of a delivery receipt may arrive in between.
    const writeWithoutHint = () =>
      withPostgres(server.databaseUrl, (client) => client.query(insert, [conversationId, id]))
    await expect
      .poll(
        async () => {
          await writeWithoutHint()
          return value(other, 'sotto_hints_missed_total')
        },
        { interval: 1_500, timeout: 12_000 },
      )
      .toBeGreaterThan(before)
  })
})

test('a metrics port in use is named in the error, and nothing is left listening', async () => {
  await using holder = await listen(createServer())
  const { port } = holder
  await expect(startServer('sqlite', { settings: { metricsPort: port } })).rejects.toThrow(`port ${port}`)
})
