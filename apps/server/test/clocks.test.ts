import { setTimeout as delay } from 'node:timers/promises'
import { store } from '@sotto/db'
import { createTestServer } from '@sotto/testing'
import { codeOf, dialects, type RunningServer, startServer, status } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { DatabaseClock } from '../src/app/database-clock.ts'
import { createIds } from '../src/lib/ids.ts'
import { startServerWithWebhook } from './webhooks/support/server-with-webhook.ts'

/* What a clock that was wrong for a while leaves behind. */

const NOW = Date.parse('2026-05-01T10:00:00.000Z')
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const YEAR_MS = 365 * DAY_MS

/** A clock for `overrides.now`. */
function testClock(at = NOW) {
  const clock = { at, now: () => new Date(clock.at) }
  return clock
}

describe.each(dialects)('after a clock on %s was a year ahead', (using) => {
  const users = ['alice', 'bob', 'carol']

  test('new messages have the right time, and their conversation the right place in the inbox', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    server.clock.set(new Date(NOW + YEAR_MS))
    await alice.messages.send({ to: 'bob', text: 'from the future' })
    const group = await alice.conversations.create({ name: 'Group', participants: ['bob', 'carol'] })
    await alice.messages.send({ conversationId: group.id, text: 'from the future' })
    server.clock.set(new Date(NOW))
    const again = await alice.messages.send({ to: 'bob', text: 'now' })
    const inGroup = await alice.messages.send({ conversationId: group.id, text: 'now' })
    expect([again, inGroup].map(({ createdAt }) => createdAt.getTime())).toEqual([NOW, NOW])

    server.clock.advance(1_000)
    await alice.messages.send({ to: 'carol', text: 'latest' })
    const inbox = await alice.conversations.list()
    expect(inbox.items.map(({ lastMessage }) => lastMessage?.text)).toEqual(['latest', 'now', 'now'])
    const correspondents = await server.client.users.correspondents({ user: 'alice' })
    expect(correspondents.items.map(({ user }) => user.username)).toEqual(['carol', 'bob'])

    // In the conversation, the order is still that of the seq.
    const { items } = await alice.direct.messages({ user: 'bob', after: 0 })
    expect(items.map(({ text }) => text)).toEqual(['from the future', 'now'])
    const since = await alice.direct.messages({ user: 'bob', since: new Date(NOW).toISOString() })
    expect(since.items.map(({ text }) => text)).toEqual(['now'])
  })

  test('a message is never delivered or read before it was sent', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set(new Date(NOW + YEAR_MS))
    const { id: messageId, conversationId } = await server.as('alice').messages.send({ to: 'bob', text: 'x' })
    server.clock.set(new Date(NOW))
    await server.as('bob').conversations.read({ conversationId, seq: 1 })
    const { createdAt, readAt, deliveredAt } = await server.client.messages.get({ messageId })
    expect([readAt, deliveredAt]).toEqual([createdAt, createdAt])
    const { items } = await server.client.conversations.receipts({ conversationId, seq: 1 })
    const bob = items.find(({ readSeq, deliveredAt }) => readSeq === 1 && deliveredAt !== null)
    expect(bob).toMatchObject({ readAt: createdAt, deliveredAt: createdAt })
  })

  test('an erasure that it scheduled happens', async () => {
    const clock = testClock(NOW + YEAR_MS)
    await using server = await startServer(using, { users, overrides: { now: clock.now } })
    await server.send('alice', 'bob', 'erase me')
    await server.call(undefined, 'DELETE', '/v1/users/alice')
    // The second sweep is due a minute later.
    await expect.poll(() => jobOf(server)).toMatchObject({ due_at: new Date(NOW + YEAR_MS + MINUTE_MS) })
    clock.at = NOW
    await expect.poll(async () => (await jobOf(server))?.finished_at ?? null).not.toBeNull()
  })

  test('webhooks are delivered, also retries, and also if another server had the lease', async () => {
    await using fixture = await startServerWithWebhook(using)
    const { server, receiver } = fixture
    receiver.answer = status(503)
    server.clock.set(new Date(NOW + YEAR_MS))
    await fixture.send('retried')
    await expect
      .poll(async () => (await fixture.deliveries()).map(({ attempts }) => attempts))
      .toEqual([1, 1])
    receiver.answer = status(204)
    server.clock.set(new Date(NOW))
    await expect
      .poll(async () => (await fixture.deliveries()).map(({ state }) => state), { timeout: 5_000 })
      .toEqual(['delivered', 'delivered'])
  })

  test('a position in the event log that it dated does not hide deleted events', async () => {
    const clock = testClock(NOW + YEAR_MS)
    await using server = await startServer(using, {
      users,
      overrides: { now: clock.now },
      settings: { eventRetentionDays: 7 },
    })
    const bob = server.client.as('bob')
    await server.send('alice', 'bob', 'from the future')
    const { cursor } = await bob.events.pull()
    clock.at = NOW
    await server.send('alice', 'bob', 'now')
    await expect
      .poll(async () => (await bob.events.pull({ cursor })).items.map(({ type }) => type))
      .toEqual(['resync'])
  })

  test('message retention erases its messages, counted from when they were first seen', async () => {
    const clock = testClock(NOW + YEAR_MS)
    await using server = await startServer(using, {
      users,
      overrides: { now: clock.now },
      settings: { messageRetentionDays: 30 },
    })
    const bob = server.client.as('bob')
    const { id: messageId } = await server.send('alice', 'bob', 'from the future')
    const textOf = async (id: string) => (await bob.messages.get({ messageId: id })).text
    clock.at = NOW
    const { id: laterId } = await server.send('alice', 'bob', 'now')
    await expect.poll(() => retentionOf(server)).toContain('"ahead":[[')
    clock.at = NOW + 29 * DAY_MS
    await ranAt(server, clock.at)
    expect(await textOf(messageId)).toBe('from the future')
    const { id: lastId } = await server.send('alice', 'carol', 'last')
    clock.at = NOW + 30 * DAY_MS + MINUTE_MS
    await expect.poll(() => textOf(messageId)).toBeNull()
    expect(await textOf(laterId)).toBeNull()
    expect((await server.client.messages.get({ messageId: lastId })).text).toBe('last')
    await expect.poll(() => retentionOf(server)).toContain('"ahead":[]')
  })

  test('tokens for passwords and for the first admin are valid for no longer than otherwise', async () => {
    await using server = await createTestServer({ using, users, settings: { webClient: true } })
    const startedAt = server.clock.now().getTime()
    const newPassword = 'battery staple'
    const { token } = await server.client.passwords.issueReset({ user: 'alice' })
    server.clock.set(new Date(startedAt - YEAR_MS))
    expect(await codeOf(server.client.passwords.reset({ token, newPassword }))).toBe('INVALID_INPUT')
    const setup = { token: server.setupToken ?? '', username: 'root', password: newPassword }
    expect(await codeOf(server.client.setup.createAdmin(setup))).toBe('INVALID_INPUT')
    const again = await server.client.passwords.issueReset({ user: 'alice' })
    await server.client.passwords.reset({ token: again.token, newPassword })
    server.clock.set(new Date(startedAt))
    await server.client.setup.createAdmin(setup)
  })

  test('the last use of a key is recorded again', async () => {
    const clock = testClock(NOW + YEAR_MS)
    await using server = await startServer(using, { overrides: { now: clock.now } })
    const { key } = await server.call<{ key: string }>(undefined, 'POST', '/v1/keys', {
      name: 'worker',
      scopes: ['read'],
    })
    const use = () => server.fetch('/v1/users', { headers: { authorization: `Bearer ${key}` } })
    const lastUsed = async () => {
      const { items } = await server.client.keys.list()
      return items.find(({ name }) => name === 'worker')?.lastUsedAt?.getTime()
    }
    await use()
    await expect.poll(lastUsed, { timeout: 5_000 }).toBe(NOW + YEAR_MS)
    clock.at = NOW
    await use()
    await expect.poll(lastUsed, { timeout: 5_000 }).toBe(NOW)
  })
})

describe('leases and jobs', () => {
  test.each(dialects)('of a server whose clock is 30 s ahead are respected on %s', async (using) => {
    await using server = await startServer(using)
    const { db } = server.app
    const now = new Date(NOW)
    const latest = new Date(NOW + 75_000)
    const ahead = new Date(NOW + 45_000)
    await db.insertInto('leases').values({ name: 'l', holder: 'other', expires_at: ahead }).execute()
    const lease = { name: 'l', holder: 'me' }
    const until = new Date(NOW + 15_000)
    expect(await store.leases.take(db, lease, { now, until, latest })).toBe(false)
    await db
      .updateTable('leases')
      .set({ expires_at: new Date(NOW + YEAR_MS) })
      .execute()
    expect(await store.leases.take(db, lease, { now, until, latest })).toBe(true)
  })
})

test('ids continue from the right time after a clock was ahead', () => {
  const clock = testClock(NOW + YEAR_MS)
  const newId = createIds(clock.now)
  newId()
  clock.at = NOW
  expect(Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16)).toBe(NOW)
})

describe('a server on PostgreSQL whose host has the wrong clock', () => {
  test('uses the time of the database', async () => {
    const hostNow = () => new Date(Date.now() + YEAR_MS)
    await using server = await startServer('postgres', { users: ['alice', 'bob'], overrides: { hostNow } })
    const { createdAt } = await server.send('alice', 'bob', 'x')
    expect(Math.abs(Date.parse(String(createdAt)) - Date.now())).toBeLessThan(MINUTE_MS)
    expect(server.logs.join('')).toContain('using the time of the database')
  })

  test('notices when the clock of its host is set', async () => {
    let aheadMs = 0
    await using server = await startServer('postgres', {
      overrides: { hostNow: () => new Date(Date.now() + aheadMs) },
    })
    aheadMs = -YEAR_MS
    await expect
      .poll(() => Math.abs(server.app.now().getTime() - Date.now()), { timeout: 10_000 })
      .toBeLessThan(MINUTE_MS)
  })

  test('keeps the last difference while the database is not available', async () => {
    await using server = await startServer('postgres')
    const clock = new DatabaseClock({ log: server.app.log, hostNow: () => new Date(Date.now() - YEAR_MS) })
    await clock.measure(server.app.db)
    await server.close()
    await expect(clock.measure(server.app.db)).rejects.toThrow()
    expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(MINUTE_MS)
  })

  test('uses its own clock exactly if it does not measurably differ', async () => {
    await using server = await startServer('postgres')
    const at = Date.now()
    const now = server.app.now().getTime()
    expect(now).toBeGreaterThanOrEqual(at)
    expect(now).toBeLessThanOrEqual(Date.now())
  })
})

async function jobOf({ app }: RunningServer) {
  return app.db.selectFrom('jobs').selectAll().where('kind', '=', 'user.erase').executeTakeFirst()
}

async function retentionOf({ app }: RunningServer): Promise<string | null | undefined> {
  const row = await app.db
    .selectFrom('jobs')
    .select('progress')
    .where('kind', '=', 'messages.retention')
    .executeTakeFirst()
  return row?.progress
}

/** Resolves once the retention job has run at this time. */
async function ranAt({ app }: RunningServer, at: number): Promise<void> {
  for (;;) {
    const row = await app.db
      .selectFrom('jobs')
      .select('due_at')
      .where('kind', '=', 'messages.retention')
      .executeTakeFirst()
    if (row?.due_at.getTime() === at + 10 * MINUTE_MS) return
    await delay(20)
  }
}
