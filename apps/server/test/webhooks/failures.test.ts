import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  dialects,
  spawnServer,
  startServer,
  startWebhookReceiver,
  status,
  type WebhookReceiver,
} from '@sotto/testing/internal'
import { describe, test } from 'vitest'
import { deleteExpiredEvents } from '../../src/realtime/log-retention.ts'

const users = ['alice', 'bob']
const secret = 'a secret of at least thirty-two characters'
const settings = { webhookAllowedHosts: ['127.0.0.1'], secret }
const DAY_MS = 24 * 60 * 60 * 1_000
/** Longer than the fifteen seconds for which a killed server keeps its lease. */
const TAKEOVER_MS = 30_000

function textsAt({ received }: WebhookReceiver): (string | null)[] {
  return received.flatMap(({ event }) => (event.type === 'message.created' ? [event.data.message.text] : []))
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n).padStart(2, '0'))
}

// The tests mostly wait for a lease to expire.
describe.concurrent.each(dialects)('webhooks on %s', (using) => {
  test('lose no delivery when the server is killed, and repeat deliveries under the same id', {
    timeout: 90_000,
  }, async ({ expect }) => {
    await using database = await createEmptyDatabase(using)
    await using receiver = await startWebhookReceiver()
    const environment = {
      DATABASE_URL: database.url,
      SOTTO_SERVICE_KEY: 'sk_of-this-test',
      SOTTO_SECRET: secret,
      SOTTO_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
    }
    const texts = numbers(40)
    // Only the first four requests get a response.
    receiver.answer = (response) => void (receiver.received.length <= 4 && response.writeHead(200).end())
    {
      await using server = await spawnServer(environment)
      const client = createClient({ url: server.url, token: 'sk_of-this-test' })
      for (const username of users) await client.users.create({ username })
      await client.webhooks.create({ url: receiver.url, events: ['message.created'] })
      for (const text of texts) await client.as('alice').messages.send({ to: 'bob', text })
      await expect.poll(() => receiver.received.length).toBeGreaterThan(4)
      await server.stop('SIGKILL')
    }
    const before = [...receiver.received]
    receiver.answer = status(200)
    await using server = await spawnServer(environment)
    const client = createClient({ url: server.url, token: 'sk_of-this-test' })
    const [{ id: webhookId } = expect.fail()] = (await client.webhooks.list()).items
    const pending = async () => (await client.webhooks.deliveries({ webhookId, state: 'pending' })).items
    await expect
      .poll(async () => new Set(textsAt(receiver)).size, { timeout: TAKEOVER_MS })
      .toBe(texts.length)
    await expect.poll(pending).toEqual([])

    expect([...new Set(textsAt(receiver))].toSorted()).toEqual(texts)
    // There is one delivery per message, and those without a response are repeated.
    const idsOf = Map.groupBy(receiver.received, ({ event }) => JSON.stringify(event.data))
    for (const received of idsOf.values()) expect(new Set(received.map(({ id }) => id)).size).toBe(1)
    const after = new Set(receiver.received.slice(before.length).map(({ id }) => id))
    for (const { id } of before.slice(4)) expect(after).toContain(id)
  })

  test('resolve names for every attempt, and never reach internal addresses', async ({ expect }) => {
    const addresses = ['127.0.0.1', '169.254.169.254', '::ffff:10.0.0.1']
    const lookups: string[] = []
    await using receiver = await startWebhookReceiver()
    await using server = await startServer(using, {
      settings: { ...settings, webhookAllowedHosts: [] },
      overrides: {
        async resolveHost(host) {
          lookups.push(host)
          return [{ address: addresses[lookups.length - 1] ?? '', family: 4 }]
        },
      },
    })
    const { webhooks } = server.client
    const url = `https://rebinding.example:${receiver.port}`
    const { id: webhookId } = await webhooks.create({ url })
    for (const [index] of addresses.entries()) {
      const { id } = await webhooks.test({ webhookId })
      const found = async () =>
        (await webhooks.deliveries({ webhookId })).items.find((delivery) => delivery.id === id)
      await expect.poll(found).toMatchObject({
        attempts: 1,
        lastStatus: null,
        lastError: 'the address is internal and not allowed',
      })
      expect(lookups).toHaveLength(index + 1)
    }
    expect(receiver.received).toEqual([])
  })

  test('keep events in the log until they have read them, for up to thirty days', async ({ expect }) => {
    const start = Date.parse('2026-05-01T10:00:00.000Z')
    let now = start
    await using server = await startServer(using, {
      users,
      settings,
      overrides: { now: () => new Date(now) },
    })
    const { app } = server
    // No server reads the events for webhooks.
    await app.webhooks.close()
    const at = async (day: number, text: string) => {
      now = start + day * DAY_MS
      await server.send('alice', 'bob', text)
    }
    await at(0, 'before')
    await at(1, 'at the position')
    const { id: webhookId } = await server.client.webhooks.create({ url: 'https://hooks.example' })
    await at(2, 'after')
    const left = async (day: number) => {
      now = start + day * DAY_MS
      await deleteExpiredEvents({ db: app.db, now: app.now, retentionMs: DAY_MS })
      const rows = await app.db.selectFrom('events').select('created_at').distinct().execute()
      return rows.map((row) => (row.created_at.getTime() - start) / DAY_MS).toSorted((a, b) => a - b)
    }
    expect(await left(1.5)).toEqual([0, 1, 2].slice(1))
    expect(await left(10)).toEqual([1, 2])
    expect(await left(30)).toEqual([1, 2])
    expect(await left(31.5)).toEqual([2])
    await server.client.webhooks.update({ webhookId, enabled: false })
    expect(await left(31.5)).toEqual([])
  })
})

describe.concurrent('webhooks of two servers on one database', () => {
  test('are sent by one of them, and by the other when it has stopped', async ({ expect }) => {
    await using receiver = await startWebhookReceiver()
    await using server = await startServer('postgres', { users, settings: { ...settings, metricsPort: 0 } })
    const second = await server.another()
    await server.client.webhooks.create({ url: receiver.url, events: ['message.created'] })
    const texts = numbers(40)
    await Promise.all(
      texts.slice(0, 30).map((text, n) => (n % 2 ? server : second).send('alice', 'bob', text)),
    )
    await expect.poll(() => textsAt(receiver).toSorted()).toEqual(texts.slice(0, 30))
    const waiting = [server, second].map(({ app }) => app.webhooks.waiting)
    expect(waiting.filter((count) => count !== undefined)).toHaveLength(1)
    // Either of them can hold the lease.
    const [leading, other] = waiting[0] === undefined ? [second, server] : [server, second]
    await leading.close()
    for (const text of texts.slice(30)) await other.send('alice', 'bob', text)
    await expect.poll(() => textsAt(receiver).toSorted()).toEqual(texts)
  })
})
