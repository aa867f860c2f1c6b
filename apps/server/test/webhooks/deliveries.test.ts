import { createTestServer } from '@sotto/testing'
import {
  codeOf,
  dialects,
  findText,
  startServer,
  startWebhookReceiver,
  status,
} from '@sotto/testing/internal'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { startServerWithWebhook } from './support/server-with-webhook.ts'

const secret = 'a secret of at least thirty-two characters'
const settings = { webhookAllowedHosts: ['127.0.0.1'], secret }
const users = ['alice', 'bob']
const HOUR_MS = 60 * 60 * 1_000
const DAY_MS = 24 * HOUR_MS

describe.each(dialects)('webhooks on %s', (using) => {
  test('receive signed events from their creation on, as a bare service key sees them', async () => {
    await using server = await createTestServer({ using, users, settings })
    await using receiver = await startWebhookReceiver()
    const alice = server.as('alice')
    await alice.messages.send({ to: 'bob', text: 'before' })
    const webhook = await server.client.webhooks.create({ url: `${receiver.url}/hook` })
    const message = await alice.messages.send({ to: 'bob', text: 'hi', clientMessageId: 'one' })
    await expect.poll(() => receiver.types()).toEqual(['message.created'])

    const [{ headers, body, ...first } = expect.fail()] = receiver.received
    const seen = await server.client.messages.get({ messageId: message.id })
    expect(first.path).toBe('/hook')
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Sotto' })
    expect(new Webhook(webhook.secret).verify(body, headers as Record<string, string>)).toEqual({
      type: 'message.created',
      timestamp: message.createdAt.toISOString(),
      data: {
        id: expect.stringMatching(/^\d+$/),
        type: 'message.created',
        conversationId: message.conversationId,
        at: message.createdAt.toISOString(),
        message: JSON.parse(JSON.stringify(seen)),
      },
    })
  })

  test('receive every event once, but no signals', async () => {
    await using fixture = await startServerWithWebhook(using)
    const { server, receiver } = fixture
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    /** The events that a call causes. */
    async function eventsOf(call: () => Promise<unknown>, ...types: string[]) {
      const before = receiver.received.length
      await call()
      await expect.poll(() => receiver.types().slice(before).sort()).toEqual(types.sort())
      return receiver.received.slice(before).map(({ event }) => event.data)
    }
    const { conversationId, id: messageId } = await fixture.send('hi')
    await expect.poll(() => receiver.types().sort()).toEqual(['conversation.created', 'message.created'])
    await eventsOf(() => alice.messages.edit({ messageId, text: 'ho' }), 'message.edited')
    await eventsOf(() => bob.messages.like({ messageId }), 'reaction.added')
    await eventsOf(() => bob.messages.unlike({ messageId }), 'reaction.removed')
    await eventsOf(() => bob.conversations.read({ conversationId, seq: 1 }), 'receipt.updated')
    await eventsOf(() => alice.messages.delete({ messageId }), 'message.deleted')
    const group = { conversationId: '' }
    const [created] = await eventsOf(async () => {
      group.conversationId = (await alice.conversations.create({ name: 'G', participants: [] })).id
    }, 'conversation.created')
    expect(created).toMatchObject({ conversation: { name: 'G', participants: [{ role: 'owner' }] } })
    await eventsOf(() => alice.participants.set({ ...group, user: 'bob' }), 'participant.joined')
    await eventsOf(() => alice.conversations.update({ ...group, name: 'H' }), 'conversation.updated')
    await eventsOf(
      () => alice.participants.set({ ...group, user: 'bob', role: 'admin' }),
      'participant.updated',
    )
    await eventsOf(() => bob.participants.remove({ ...group, user: 'bob' }), 'participant.left')
    // Neither a signal nor the delivery receipts caused by reading a list are sent.
    await alice.conversations.typing({ conversationId, typing: true })
    await bob.conversations.list()

    const contacts = await eventsOf(
      () => alice.contacts.add({ user: 'bob' }),
      'contact.updated',
      'contact.updated',
    )
    const { id: aliceId } = await alice.users.me()
    const { id: bobId } = await bob.users.me()
    expect(contacts).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ownerId: aliceId, userId: bobId, state: 'outgoing' }),
        expect.objectContaining({ ownerId: bobId, userId: aliceId, state: 'incoming' }),
      ]),
    )
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(receiver.received.length)
  })

  test('receive only the types that they subscribe to', async () => {
    await using fixture = await startServerWithWebhook(using, {
      events: ['message.deleted', 'receipt.updated'],
    })
    const { server, receiver, webhookId } = fixture
    const { id: messageId, conversationId } = await fixture.send('hi')
    await server.as('bob').conversations.read({ conversationId, seq: 1 })
    await expect.poll(() => receiver.types()).toEqual(['receipt.updated'])
    await server.client.webhooks.update({ webhookId, events: null })
    await server.as('alice').messages.delete({ messageId })
    await expect.poll(() => receiver.types()).toEqual(['receipt.updated', 'message.deleted'])
    expect((await server.client.webhooks.get({ webhookId })).events).toBeNull()
  })

  test('store no content: every attempt sends the current state', async () => {
    await using server = await startServer(using, { users, settings })
    await using receiver = await startWebhookReceiver()
    receiver.answer = status(503)
    const { id: webhookId } = await server.client.webhooks.create({
      url: receiver.url,
      events: ['message.created'],
    })
    const { id: messageId } = await server.send('alice', 'bob', 'canary4d1b')
    await expect.poll(() => receiver.received.length).toBe(1)
    expect(receiver.received[0]?.body).toContain('canary4d1b')
    expect(await findText(server.app.db, 'canary4d1b')).toEqual(['messages.text'])

    await server.client.as('alice').messages.delete({ messageId })
    expect(await findText(server.app.db, 'canary4d1b')).toEqual([])
    receiver.answer = status(200)
    const { items } = await server.client.webhooks.deliveries({ webhookId })
    await server.client.webhooks.retryDelivery({ webhookId, deliveryId: items[0]?.id ?? '' })
    await expect.poll(() => receiver.received.length).toBe(2)
    expect(receiver.received[1]?.event).toMatchObject({
      type: 'message.created',
      data: { message: { id: messageId, text: null, deletedAt: expect.any(String) } },
    })
  })

  test('are retried at growing intervals under the same id, and fail after three days', async () => {
    await using fixture = await startServerWithWebhook(using, { events: ['message.created'] })
    const { server, receiver, webhookId } = fixture
    server.clock.set('2026-05-01T10:00:00.000Z')
    receiver.answer = status(500)
    await fixture.send('hi')
    const waits: number[] = []
    for (let attempt = 1; attempt <= 13; attempt++) {
      await expect.poll(async () => (await fixture.deliveries())[0]?.attempts).toBe(attempt)
      const [delivery = expect.fail()] = await fixture.deliveries()
      expect(delivery).toMatchObject({ lastStatus: 500, lastError: 'responded with 500', deliveredAt: null })
      if (delivery.nextAttemptAt === null) break
      const waitMs = delivery.nextAttemptAt.getTime() - server.clock.now().getTime()
      waits.push(waitMs / 1_000)
      await fixture.advance(waitMs - 1)
      expect(receiver.received).toHaveLength(attempt)
      await fixture.advance(1)
    }
    const planned = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 72_000, 86_400]
    expect(waits).toHaveLength(planned.length)
    for (const [index, seconds] of planned.entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(seconds)
      expect(waits[index]).toBeLessThanOrEqual(seconds * 1.1)
    }
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1)
    // Every attempt is signed with its own time.
    const times = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']))
    expect(times.at(-1)).toBeGreaterThan((times[0] ?? 0) + 3 * 86_400 - 1_100)

    const { items } = await server.client.webhooks.deliveries({ webhookId, state: 'failed' })
    expect(items).toMatchObject([
      { state: 'failed', attempts: 13, type: 'message.created', nextAttemptAt: null },
    ])
    expect((await server.client.webhooks.deliveries({ webhookId, state: 'pending' })).items).toEqual([])

    receiver.answer = status(200)
    const deliveryId = items[0]?.id ?? ''
    const retried = await server.client.webhooks.retryDelivery({ webhookId, deliveryId })
    expect(retried).toMatchObject({ id: deliveryId, state: 'pending', attempts: 0, lastError: null })
    await expect.poll(async () => (await fixture.deliveries())[0]?.state).toBe('delivered')
    expect((await fixture.deliveries())[0]).toMatchObject({
      attempts: 1,
      lastStatus: 200,
      nextAttemptAt: null,
    })
    expect(receiver.received.at(-1)?.id).toBe(deliveryId)
  })

  test('respect Retry-After, up to a day', async () => {
    await using fixture = await startServerWithWebhook(using, { events: ['message.created'] })
    const { server, receiver } = fixture
    server.clock.set('2026-05-01T10:00:00.000Z')
    const delays = ['600', 'Fri, 01 May 2026 11:00:00 GMT', '999999999', '1', 'soon']
    receiver.answer = (response) =>
      status(503, { 'retry-after': delays[receiver.received.length - 1] ?? '' })(
        response,
        expect.fail as never,
      )
    for (const text of delays) {
      await fixture.send(text)
      await expect.poll(() => receiver.received.length).toBe(delays.indexOf(text) + 1)
    }
    await expect
      .poll(async () => (await fixture.deliveries()).filter(({ attempts }) => attempts === 1).length)
      .toBe(delays.length)
    const waits = (await fixture.deliveries())
      .toReversed()
      .map(({ nextAttemptAt }) => ((nextAttemptAt?.getTime() ?? 0) - server.clock.now().getTime()) / 1_000)
    for (const [index, seconds] of [600, 3_600, 86_400, 5, 5].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(seconds)
      expect(waits[index]).toBeLessThanOrEqual(seconds * 1.1)
    }
  })

  test('are disabled by a 410, which is audited', async () => {
    await using fixture = await startServerWithWebhook(using, { events: ['message.created'] })
    const { server, receiver, webhookId } = fixture
    receiver.answer = status(410)
    await fixture.send('one')
    await expect
      .poll(() => server.client.webhooks.get({ webhookId }))
      .toMatchObject({ enabled: false, disabledReason: 'gone' })
    await fixture.send('two')
    expect(await fixture.deliveries()).toMatchObject([{ state: 'failed', lastStatus: 410, attempts: 1 }])
    const { items } = await server.client.audit.list({ subject: webhookId, action: 'webhook.disabled' })
    expect(items).toMatchObject([{ actorKind: 'server', actorId: null }])
    expect(receiver.received).toHaveLength(1)
  })

  test('do not wait for failing webhooks or events', async () => {
    await using fixture = await startServerWithWebhook(using, { events: ['message.created'] })
    const { server, receiver } = fixture
    await using other = await startWebhookReceiver()
    await server.client.webhooks.create({ url: other.url, events: ['message.created'] })
    const field = (text: string) => JSON.stringify({ text }).slice(1, -1)
    // The first hangs, the third fails, and there are more than are sent concurrently.
    receiver.answer = (response, { body }) => {
      if (body.includes(field('0'))) return
      response.writeHead(body.includes(field('2')) ? 500 : 200).end()
    }
    for (let n = 0; n < 20; n++) await fixture.send(String(n))
    const textsAt = ({ received }: typeof receiver) =>
      received.map(({ event }) => event.type === 'message.created' && Number(event.data.message.text))
    const all = Array.from({ length: 20 }, (_, n) => n)
    await expect.poll(() => textsAt(other).toSorted((a, b) => Number(a) - Number(b))).toEqual(all)
    await expect.poll(() => textsAt(receiver).toSorted((a, b) => Number(a) - Number(b))).toEqual(all)
    await expect
      .poll(async () => (await fixture.deliveries()).filter(({ state }) => state === 'delivered').length)
      .toBe(18)
  })

  test('send hundreds of events exactly once if nothing fails', async () => {
    await using fixture = await startServerWithWebhook(using, { events: ['message.created'] })
    const { server, receiver } = fixture
    const texts = Array.from({ length: 300 }, (_, n) => `text ${n}`)
    const alice = server.as('alice')
    for (const part of [texts.slice(0, 100), texts.slice(100, 200), texts.slice(200)])
      await Promise.all(part.map((text) => alice.messages.send({ to: 'bob', text })))
    const received = () =>
      receiver.received.map(({ event }) => event.type === 'message.created' && event.data.message.text)
    await expect.poll(() => new Set(received()).size).toBe(texts.length)
    await expect
      .poll(
        async () =>
          (await server.client.webhooks.deliveries({ webhookId: fixture.webhookId, state: 'pending' })).items,
      )
      .toEqual([])
    expect(received()).toHaveLength(texts.length)
  })

  test('receive nothing while disabled, and continue when enabled', async () => {
    await using fixture = await startServerWithWebhook(using, { events: ['message.created'] })
    const { server, receiver, webhookId } = fixture
    receiver.answer = status(500)
    await fixture.send('pending')
    await expect.poll(() => receiver.received.length).toBe(1)
    expect(await server.client.webhooks.update({ webhookId, enabled: false })).toMatchObject({
      enabled: false,
      disabledReason: 'admin',
    })
    receiver.answer = status(200)
    await fixture.send('meanwhile')
    await fixture.advance(HOUR_MS)
    await expect(server.client.webhooks.test({ webhookId })).rejects.toThrow('enabled')
    expect(receiver.received).toHaveLength(1)

    await using moved = await startWebhookReceiver()
    await server.client.webhooks.update({ webhookId, enabled: true, url: moved.url })
    await fixture.send('afterwards')
    await expect
      .poll(() => moved.received.map(({ body }) => /"text":"(\w+)"/.exec(body)?.[1]).sort())
      .toEqual(['afterwards', 'pending'])
    expect(receiver.received).toHaveLength(1)
  })

  test('lose pending deliveries if they are disabled for thirty days', async () => {
    await using fixture = await startServerWithWebhook(using, { events: ['message.created'] })
    const { server, receiver, webhookId } = fixture
    receiver.answer = status(500)
    await fixture.send('pending')
    await expect.poll(() => receiver.received.length).toBe(1)
    await server.client.webhooks.update({ webhookId, enabled: false })
    await fixture.advance(30 * DAY_MS - HOUR_MS)
    expect(await fixture.deliveries()).toMatchObject([{ state: 'pending' }])
    await fixture.advance(2 * HOUR_MS)
    await expect.poll(fixture.deliveries).toEqual([])
  })

  test('are signed with both secrets for a day after a rotation', async () => {
    await using fixture = await startServerWithWebhook(using)
    const { server, receiver, webhook, webhookId } = fixture
    server.clock.set(new Date())
    const { secret: next } = await server.client.webhooks.rotateSecret({ webhookId })
    expect(next).not.toBe(webhook.secret)
    const verifiedWith = async () => {
      const count = receiver.received.length
      await server.client.webhooks.test({ webhookId })
      await expect.poll(() => receiver.received.length).toBe(count + 1)
      const { body, headers } = receiver.received.at(-1) ?? expect.fail()
      return [webhook.secret, next].map((key) => {
        // The library would verify the time too, but the test clock is a day ahead.
        const at = new Date(Number(headers['webhook-timestamp']) * 1_000)
        const signature = new Webhook(key).sign(String(headers['webhook-id']), at, body)
        return String(headers['webhook-signature']).split(' ').includes(signature)
      })
    }
    expect(await verifiedWith()).toEqual([true, true])
    await fixture.advance(DAY_MS - 1)
    expect(await verifiedWith()).toEqual([true, true])
    await fixture.advance(1)
    expect(await verifiedWith()).toEqual([false, true])
  })

  test('store their secrets encrypted, and cannot be created without SOTTO_SECRET', async () => {
    await using server = await startServer(using, {
      settings: { secret: 'a secret of at least 32 characters' },
    })
    const first = await server.client.webhooks.create({ url: 'https://hooks.example' })
    const second = await server.client.webhooks.rotateSecret({ webhookId: first.id })
    for (const webhook of [first, second]) {
      expect(await findText(server.app.db, webhook.secret.slice('whsec_'.length).toLowerCase())).toEqual([])
    }
    if (using === 'sqlite') return
    await using without = await startServer(using)
    await expect(without.client.webhooks.create({ url: 'https://hooks.example' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('SOTTO_SECRET'),
    })
  })

  test('are limited to twenty, and to allowed addresses', async () => {
    await using server = await createTestServer({ using })
    const create = (url: string) => server.client.webhooks.create({ url })
    for (const url of [
      'http://hooks.example',
      'https://10.0.0.1',
      'https://[::1]',
      'https://a:b@hooks.example',
    ]) {
      await expect(create(url), url).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: 'url', message: expect.stringMatching(/^must /) }],
      })
    }
    for (let n = 0; n < 20; n++) await create(`https://hooks.example/${n}`)
    await expect(create('https://hooks.example/20')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('20'),
    })
    const [first = expect.fail()] = (await server.client.webhooks.list()).items
    await expect(
      server.client.webhooks.update({ webhookId: first.id, url: 'https://192.168.0.1' }),
    ).rejects.toMatchObject({ issues: [{ path: 'url' }] })
    await server.client.webhooks.delete({ webhookId: first.id })
    await create('https://hooks.example/20')
  })

  test('are deleted with their deliveries', async () => {
    await using server = await startServer(using, { users, settings })
    await using receiver = await startWebhookReceiver()
    const { webhooks } = server.client
    const { id: webhookId } = await webhooks.create({ url: receiver.url })
    receiver.answer = status(500)
    await server.send('alice', 'bob', 'hi')
    await expect.poll(async () => (await webhooks.deliveries({ webhookId })).items.length).toBe(2)
    const deliveryId = (await webhooks.deliveries({ webhookId })).items[0]?.id ?? ''
    await webhooks.delete({ webhookId })
    const calls: (() => PromiseLike<unknown>)[] = [
      () => webhooks.get({ webhookId }),
      () => webhooks.update({ webhookId }),
      () => webhooks.test({ webhookId }),
      () => webhooks.rotateSecret({ webhookId }),
      () => webhooks.deliveries({ webhookId }),
      () => webhooks.retryDelivery({ webhookId, deliveryId }),
      () => webhooks.delete({ webhookId }),
    ]
    for (const call of calls) expect(await codeOf(call())).toBe('WEBHOOK_NOT_FOUND')
    expect((await webhooks.list()).items).toEqual([])
    const holders = () => findText(server.app.db, webhookId)
    await expect.poll(holders).toEqual(['audit.subject_id'])
  })

  test('list deliveries in pages, for seven days, or thirty if they failed', async () => {
    await using fixture = await startServerWithWebhook(using, { events: ['message.created'] })
    const { server, receiver, webhookId } = fixture
    for (let n = 0; n < 5; n++) await fixture.send(String(n))
    await expect.poll(() => receiver.received.length).toBe(5)
    receiver.answer = status(410)
    await fixture.send('refused')
    await expect.poll(async () => (await fixture.deliveries()).map(({ state }) => state)).toContain('failed')
    const ids: string[] = []
    for await (const { id } of server.client.webhooks.deliveries({ webhookId, limit: 2 })) ids.push(id)
    expect(ids).toEqual((await fixture.deliveries()).map(({ id }) => id))
    expect(ids).toHaveLength(6)
    const states = async () => (await fixture.deliveries()).map(({ state }) => state)
    await fixture.advance(7 * DAY_MS - HOUR_MS)
    expect(await states()).toHaveLength(6)
    await fixture.advance(2 * HOUR_MS)
    await expect.poll(states).toEqual(['failed'])
    await fixture.advance(23 * DAY_MS - 2 * HOUR_MS)
    expect(await states()).toEqual(['failed'])
    await fixture.advance(2 * HOUR_MS)
    await expect.poll(states).toEqual([])
  })
})
