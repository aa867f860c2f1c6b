import { store } from '@sotto/db'
import type { Message } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, startServer, withPostgres } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { DeliveryMarks } from '../src/messaging/delivery-marks.ts'

/* Delivery marks are written in batches, after the response. */

const soon = { interval: 10, timeout: 10_000 }

function named(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`)
}

async function deliveredAt(server: TestServer, { id }: Message): Promise<Date | null> {
  return (await server.client.messages.get({ messageId: id })).deliveredAt
}

describe.each(dialects)('delivery marks on %s', (using) => {
  test('are written for many conversations and users, each with an event', async () => {
    const senders = named('sender', 40)
    const readers = named('reader', 4)
    await using server = await createTestServer({ using, users: [...senders, ...readers] })
    const sent = await Promise.all(
      readers.flatMap((to) => senders.map((from) => server.as(from).messages.send({ to, text: 'x' }))),
    )
    const receipts = async (cursor?: string) => {
      const page = await server.as('sender0').events.pull({ ...(cursor !== undefined && { cursor }) })
      const events = page.items.filter((event) => event.type === 'receipt.updated')
      return { cursor: page.cursor, conversations: events.map((event) => event.conversationId).toSorted() }
    }
    const { cursor } = await receipts()
    server.clock.advance(1_000)
    const now = server.clock.now().getTime()

    await Promise.all(readers.map((reader) => server.as(reader).conversations.list({ limit: 100 })))

    const times = async () => {
      const { items } = await server.client.messages.list({ limit: 200 })
      return items.map((message) => message.deliveredAt?.getTime())
    }
    await expect.poll(times, soon).toEqual(sent.map(() => now))
    await expect
      .poll(async () => (await receipts(cursor)).conversations, soon)
      .toEqual(
        sent
          .filter((message) => message.sender === 'sender0')
          .map((message) => message.conversationId)
          .toSorted(),
      )
  })

  test('are written at most once a second, for all conversations together', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol'] })
    const begin = performance.now()
    for (const reader of ['bob', 'carol']) {
      const message = await server.as('alice').messages.send({ to: reader, text: 'x' })
      await server.as(reader).direct.messages({ user: 'alice' })
      await expect.poll(() => deliveredAt(server, message), soon).not.toBe(null)
    }
    expect(performance.now() - begin).toBeGreaterThan(1_000)
  })
})

describe('delivery marks on PostgreSQL', () => {
  test('that are pending are written before a server stops', async () => {
    const senders = named('sender', 5)
    await using server = await createTestServer({ using: 'postgres', users: [...senders, 'bob'] })
    const stopping = await server.another()
    let sent: Message[] = []
    // The second messages arrive less than a second after the first marks were written.
    for (const text of ['first', 'second']) {
      sent = await Promise.all(senders.map((from) => server.as(from).messages.send({ to: 'bob', text })))
      await Promise.all(senders.map((user) => stopping.as('bob').direct.messages({ user })))
    }
    await stopping[Symbol.asyncDispose]()

    for (const message of sent) expect(await deliveredAt(server, message)).not.toBe(null)
  })

  test('of a locked row are written later and delay neither other marks nor sends', async () => {
    await using server = await startServer('postgres', { users: ['alice', 'bob', 'carol'] })
    const fromBob = await server.send('bob', 'alice', 'x')
    const fromCarol = await server.send('carol', 'alice', 'x')
    const isDelivered = async ({ id }: { id: string }) =>
      (await server.client.messages.get({ messageId: id })).deliveredAt !== null
    await withPostgres(server.databaseUrl, async (client) => {
      await client.query('begin')
      await client.query('select 1 from participants where conversation_id = $1 for update', [
        fromBob.conversationId,
      ])
      await server.call('alice', 'GET', '/v1/conversations')
      await expect.poll(() => isDelivered(fromCarol), soon).toBe(true)
      await server.send('alice', 'carol', 'still quick')
      expect(await isDelivered(fromBob)).toBe(false)
      await client.query('rollback')
    })
    await expect.poll(() => isDelivered(fromBob), soon).toBe(true)
    expect(server.logs.filter((line) => line.includes('delivery mark'))).toEqual([])
  })
})

test('a single message is marked if the mark before it is written while its conversation is looked up', async () => {
  await using server = await startServer('sqlite', { users: ['alice', 'bob'] })
  const { conversationId } = await server.send('alice', 'bob', '1')
  await server.send('alice', 'bob', '2')
  const { id: bob } = await server.client.users.get({ user: 'bob' })
  const { app } = server
  const { promise: isWritten, resolve: reportWritten } = Promise.withResolvers<void>()
  const { promise: isLookedUp, resolve: reportLookedUp } = Promise.withResolvers<void>()
  /** Returns what it has read after the round has ended. */
  const slow = app.db.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if ('first_event_id' in (result.rows[0] ?? {})) {
        reportLookedUp()
        await isWritten
      }
      return result
    },
  })
  const marks = new DeliveryMarks({
    db: slow,
    async write(work) {
      await isLookedUp
      return app.write(work)
    },
    now: app.now,
    log: app.log,
  })
  marks.note(bob, new Map([[conversationId, [1]]]))
  await new Promise((resolve) => setTimeout(resolve))
  marks.noteSingle(bob, new Map([[conversationId, [2]]]))
  const deliveredSeq = async () => (await store.participants.find(app.db, conversationId, bob))?.delivered_seq
  await expect.poll(deliveredSeq, soon).toBe(1)
  await expect.poll(() => marks.waiting, soon).toBe(0)
  reportWritten()
  await marks.close()
  expect(await deliveredSeq()).toBe(2)
})
