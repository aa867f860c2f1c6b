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
/** A server that has gone without a word keeps its place for fifteen seconds. */
const TAKE_OVER_MS = 30_000

function textsAt({ received }: WebhookReceiver): (string | null)[] {
  return received.flatMap(({ event }) => (event.type === 'message.created' ? [event.data.message.text] : []))
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n).padStart(2, '0'))
}

// They mostly wait for a lease to expire, so they wait together.
describe.concurrent.each(dialects)('webhooks on %s', (using) => {
  test('lose nothing when the server is killed, and what comes again has the same id', {
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
    // The first four are answered, the others never are.
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
      .poll(async () => new Set(textsAt(receiver)).size, { timeout: TAKE_OVER_MS })
      .toBe(texts.length)
    await expect.poll(pending).toEqual([])

    expect([...new Set(textsAt(receiver))].toSorted()).toEqual(texts)
    // One delivery a message, however often it came; whoever was not answered came again.
    const idsOf = Map.groupBy(receiver.received, ({ event }) => JSON.stringify(event.data))
    for (const received of idsOf.values()) expect(new Set(received.map(({ id }) => id)).size).toBe(1)
    const after = new Set(receiver.received.slice(before.length).map(({ id }) => id))
    for (const { id } of before.slice(4)) expect(after).toContain(id)
  })

  test('are told where a name is when they are called, and not what is inside', async ({ expect }) => {
    const answers = ['127.0.0.1', '169.254.169.254', '::ffff:10.0.0.1']
    const asked: string[] = []
    await using receiver = await startWebhookReceiver()
    await using world = await startServer(using, {
      settings: { ...settings, webhookAllowedHosts: [] },
      overrides: {
        async resolveHost(host) {
          asked.push(host)
          return [{ address: answers[asked.length - 1] ?? '', family: 4 }]
        },
      },
    })
    const { webhooks } = world.client
    const url = `https://rebinding.example:${receiver.port}`
    const { id: webhookId } = await webhooks.create({ url })
    for (const [index] of answers.entries()) {
      const { id } = await webhooks.test({ webhookId })
      const found = async () =>
        (await webhooks.deliveries({ webhookId })).items.find((delivery) => delivery.id === id)
      await expect.poll(found).toMatchObject({
        attempts: 1,
        lastStatus: null,
        lastError: 'the address is internal and not allowed',
      })
      expect(asked).toHaveLength(index + 1)
    }
    expect(receiver.received).toEqual([])
  })

  test('keep the log until they have read it, for thirty days', async ({ expect }) => {
    const start = Date.parse('2026-05-01T10:00:00.000Z')
    let now = start
    await using world = await startServer(using, { users, settings, overrides: { now: () => new Date(now) } })
    const { app } = world
    // Another server sees to webhooks, and does not get on.
    await app.db
      .insertInto('leases')
      .values({ name: 'webhooks', holder: 'another server', expires_at: new Date(start + 100 * DAY_MS) })
      .execute()
    const at = async (day: number, text: string) => {
      now = start + day * DAY_MS
      await world.send('alice', 'bob', text)
    }
    await at(0, 'before')
    await at(1, 'where it stands')
    const { id: webhookId } = await world.client.webhooks.create({ url: 'https://hooks.example' })
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
    await world.client.webhooks.update({ webhookId, enabled: false })
    expect(await left(31.5)).toEqual([])
  })
})

describe.concurrent('webhooks of two servers on one database', () => {
  test('are told by one of them, and by the other when it is gone', async ({ expect }) => {
    await using receiver = await startWebhookReceiver()
    await using world = await startServer('postgres', { users, settings: { ...settings, metricsPort: 0 } })
    const second = await world.another()
    await world.client.webhooks.create({ url: receiver.url, events: ['message.created'] })
    const texts = numbers(40)
    await Promise.all(
      texts.slice(0, 30).map((text, n) => (n % 2 ? world : second).send('alice', 'bob', text)),
    )
    await expect.poll(() => textsAt(receiver).toSorted()).toEqual(texts.slice(0, 30))
    const waiting = [world, second].map(({ app }) => app.webhooks.waiting)
    expect(waiting.filter((count) => count !== undefined)).toHaveLength(1)
    // Whichever it is.
    const [leading, other] = waiting[0] === undefined ? [second, world] : [world, second]
    await leading.close()
    for (const text of texts.slice(30)) await other.send('alice', 'bob', text)
    await expect.poll(() => textsAt(receiver).toSorted()).toEqual(texts)
  })

  test('are sent again by the next what the one that stops has no answer to', async ({ expect }) => {
    await using receiver = await startWebhookReceiver()
    await using world = await startServer('postgres', { users, settings })
    const { id: webhookId } = await world.client.webhooks.create({ url: receiver.url })
    // The next server can call before the first one has closed.
    receiver.answer = (response) => void (receiver.received.length > 1 && response.writeHead(200).end())
    const { id } = await world.client.webhooks.test({ webhookId })
    await expect.poll(() => receiver.received.length).toBe(1)
    const second = await world.another()
    const startedAt = performance.now()
    await world.close()
    expect(performance.now() - startedAt).toBeLessThan(8_000)
    await expect.poll(() => receiver.received.map((one) => one.id)).toEqual([id, id])
    const found = async () => (await second.client.webhooks.deliveries({ webhookId })).items
    await expect.poll(found).toMatchObject([{ id, state: 'delivered', attempts: 1 }])
  })
})
