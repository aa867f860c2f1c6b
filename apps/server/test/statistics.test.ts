import { setImmediate as tick } from 'node:timers/promises'
import { store } from '@sotto/db'
import { createTestServer } from '@sotto/testing'
import { dialects, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const DAY_MS = 24 * 60 * 60 * 1_000

describe.each(dialects)('statistics on %s', (using) => {
  test('count each message once, and each active user once per UTC day', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol', 'dave'] })
    const { client, clock } = server
    const [alice, bob, carol] = [server.as('alice'), server.as('bob'), server.as('carol')]

    clock.set('2026-03-01T23:59:59.999Z')
    const first = await alice.messages.send({ to: 'bob', text: 'one' })
    await alice.messages.send({ to: 'bob', text: 'two', clientMessageId: 'two' })
    await alice.messages.send({ to: 'bob', text: 'two', clientMessageId: 'two' })
    expect(await client.stats.get({ days: 1 })).toMatchObject({
      days: [{ day: '2026-03-01', messagesSent: 2, activeUsers: 1 }],
    })

    clock.set('2026-03-02T00:00:00.000Z')
    await bob.conversations.read({ conversationId: first.conversationId, seq: 2 })
    await carol.messages.send({ to: 'carol', text: 'a note' })
    await carol.messages.send({ to: 'carol', text: 'another' })
    // Reading and receiving do not count as activity.
    await server.as('dave').conversations.list()

    clock.set('2026-03-04T12:00:00.000Z')
    const edited = await alice.messages.edit({ messageId: first.id, text: 'One' })
    await bob.messages.like({ messageId: edited.id })
    await alice.messages.delete({ messageId: first.id })
    const { days } = await client.stats.get({ days: 4 })
    expect(days).toEqual([
      { day: '2026-03-01', messagesSent: 2, activeUsers: 1 },
      { day: '2026-03-02', messagesSent: 2, activeUsers: 2 },
      { day: '2026-03-03', messagesSent: 0, activeUsers: 0 },
      { day: '2026-03-04', messagesSent: 0, activeUsers: 2 },
    ])
    expect((await client.stats.get({ days: 2 })).days).toEqual(days.slice(2))
    expect((await client.stats.get()).days).toHaveLength(30)
  })

  test('total all users except erased ones, and all messages including deleted ones', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol'] })
    const { id } = await server.as('alice').messages.send({ to: 'bob', text: 'hello' })
    await server.as('alice').messages.delete({ messageId: id })
    await server.as('alice').conversations.create({ name: 'G', participants: ['bob'] })
    await server.client.users.setDisabled({ user: 'bob', disabled: true })
    await server.client.users.erase({ user: 'carol' })
    expect(await server.client.stats.get({ days: 1 })).toMatchObject({
      users: 2,
      conversations: 2,
      messages: 1,
      countedAt: expect.any(Date),
    })
    // Totals are recounted, but not on every call.
    await server.client.users.create({ username: 'erin' })
    await expect
      .poll(async () => (await server.client.stats.get({ days: 1 })).users, { timeout: 10_000 })
      .toBe(3)
  })

  test('do not block the event loop while counting', async () => {
    await using server = await startServer(using)
    const { db } = server.app
    const at = new Date()
    const names = { display_name: null, display_name_key: null, first_name: null, last_name: null }
    const rest = { email: null, email_key: null, avatar_url: null, password_hash: null }
    const state = {
      role: 'user',
      disabled_at: null,
      erased_at: null,
      created_at: at,
      updated_at: at,
    } as const
    for (let done = 0; done < 40_000; done += 1_000) {
      const users = Array.from({ length: 1_000 }, (_, index) => {
        const id = `01900000-0000-7000-8000-${String(done + index).padStart(12, '0')}`
        return { id, username: `u${done + index}`, ...names, ...rest, ...state }
      })
      await db.insertInto('users').values(users).execute()
    }
    let ticks = 0
    let isOver = false
    const ticking = (async () => {
      while (!isOver) {
        await tick()
        ticks += 1
      }
    })()
    // The first call may return before the count is done on a busy machine, so poll.
    await expect.poll(async () => (await server.app.totals.get())?.users, { timeout: 10_000 }).toBe(40_000)
    isOver = true
    await ticking
    expect(ticks).toBeGreaterThanOrEqual(20)
  })

  test('read a long log in parts, and remove old rows of active users', async () => {
    let now = Date.parse('2026-03-01T12:00:00.000Z')
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      overrides: { now: () => new Date(now) },
    })
    const { app } = server
    const event = (index: number, at: number) => ({
      type: 'message.created' as const,
      conversation_id: null,
      audience_user_id: null,
      user_id: `00000000-0000-7000-8000-${String(index % 700).padStart(12, '0')}`,
      message_id: null,
      seq: index,
      detail: null,
      created_at: new Date(at),
    })
    for (let done = 0; done < 6_000; done += 1_000) {
      await app.db
        .insertInto('events')
        .values(Array.from({ length: 1_000 }, (_, index) => event(done + index, now)))
        .execute()
    }
    // Concurrent tests in the same cluster can hold back the end of the log on PostgreSQL.
    await expect
      .poll(() => server.client.stats.get({ days: 1 }), { timeout: 10_000 })
      .toMatchObject({
        days: [{ messagesSent: 6_000, activeUsers: 700 }],
      })
    const active = () => app.db.selectFrom('active_users').select('user_id').execute()
    expect(await active()).toHaveLength(700)

    now += 3 * DAY_MS
    await server.send('alice', 'bob', 'days later')
    await expect
      .poll(() => server.client.stats.get({ days: 4 }), { timeout: 10_000 })
      .toMatchObject({ days: [{ activeUsers: 700 }, {}, {}, { messagesSent: 1, activeUsers: 1 }] })
    expect(await active()).toHaveLength(1)
  })

  test('continue from the end of the log after its epoch changes', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const { app } = server
    await server.send('alice', 'bob', 'before')
    await expect.poll(() => sentToday(server.client)).toBe(1)
    await store.eventLog.renewEpoch(app.db)
    expect(await sentToday(server.client)).toBe(1)
    await server.send('alice', 'bob', 'after')
    await expect.poll(() => sentToday(server.client)).toBe(2)
    expect(server.logs.filter((line) => line.includes('the event log was replaced'))).toHaveLength(1)
  })

  test('reject an invalid number of days', async () => {
    await using server = await createTestServer({ using })
    for (const days of [0, 91, 1.5]) {
      await expect(server.client.stats.get({ days })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: 'days' }],
      })
    }
  })
})

test('several servers count each message once', async () => {
  await using first = await createTestServer({ using: 'postgres', users: ['alice', 'bob'] })
  await using second = await first.another()
  const clients = [first.client, second.client]
  for (let round = 1; round <= 5; round += 1) {
    for (let n = 0; n < 20; n += 1) await first.as('alice').messages.send({ to: 'bob', text: `${n}` })
    await Promise.all(clients.flatMap((client) => [client.stats.get(), client.stats.get()]))
    for (const client of clients) {
      await expect.poll(() => sentToday(client), { timeout: 10_000 }).toBe(20 * round)
    }
  }
})

test('a server reports its own numbers, even without metrics', async () => {
  await using server = await startServer('sqlite', { users: ['alice', 'bob'] })
  const before = await server.client.stats.server()
  expect(before).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    failures: 0,
    openStreams: 0,
    logDelaySeconds: null,
    logHeldBack: false,
    sendsWaiting: 0,
    passwordsWaiting: 0,
    webhookDeliveriesWaiting: null,
  })
  expect(Date.now() - before.startedAt.getTime()).toBeLessThan(60_000)
  await using stream = await server.sse('bob')
  await server.send('alice', 'bob', 'hello')
  await stream.inbox.untilText('hello')
  await expect(server.client.users.get({ user: 'nobody' })).rejects.toThrow()
  const after = await server.client.stats.server()
  expect(after.openStreams).toBe(1)
  expect(after.logDelaySeconds).toBeGreaterThanOrEqual(0)
  expect(after.logDelaySeconds).toBeLessThan(5)
  expect(after.calls - before.calls).toBeGreaterThanOrEqual(3)
  // Errors of callers do not count as failures.
  expect(after.failures).toBe(0)
  server.app.metrics.callFinished({ operation: 'users.get', transport: 'rest', code: 'INTERNAL' })
  expect((await server.client.stats.server()).failures).toBe(1)
})

async function sentToday(client: Awaited<ReturnType<typeof createTestServer>>['client']): Promise<number> {
  const { days } = await client.stats.get({ days: 1 })
  return days[0]?.messagesSent ?? 0
}
