import type { Message } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, startServer, withPostgres } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/* What reached whom is written down after the answer, for many at once. */

const soon = { interval: 10, timeout: 10_000 }

function named(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`)
}

async function deliveredAt(server: TestServer, { id }: Message): Promise<Date | null> {
  return (await server.client.messages.get({ messageId: id })).deliveredAt
}

describe.each(dialects)('delivered marks on %s', (using) => {
  test('of many conversations and users are all written, each with its event', async () => {
    const senders = named('sender', 40)
    const readers = named('reader', 4)
    await using server = await createTestServer({ using, users: [...senders, ...readers] })
    const sent = await Promise.all(
      readers.flatMap((to) => senders.map((from) => server.as(from).messages.send({ to, text: 'x' }))),
    )
    const told = async (cursor?: string) => {
      const page = await server.as('sender0').events.pull({ ...(cursor !== undefined && { cursor }) })
      const events = page.items.filter((event) => event.type === 'receipt.updated')
      return { cursor: page.cursor, conversations: events.map((event) => event.conversationId).toSorted() }
    }
    const { cursor } = await told()
    server.clock.advance(1_000)
    const now = server.clock.now().getTime()

    await Promise.all(readers.map((reader) => server.as(reader).conversations.list({ limit: 100 })))

    const times = async () => {
      const { items } = await server.client.messages.list({ limit: 200 })
      return items.map((message) => message.deliveredAt?.getTime())
    }
    await expect.poll(times, soon).toEqual(sent.map(() => now))
    await expect
      .poll(async () => (await told(cursor)).conversations, soon)
      .toEqual(
        sent
          .filter((message) => message.sender === 'sender0')
          .map((message) => message.conversationId)
          .toSorted(),
      )
  })

  test('are written at most once a second for a conversation and user', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const begin = performance.now()
    for (const text of ['first', 'second']) {
      const message = await server.as('alice').messages.send({ to: 'bob', text })
      await server.as('bob').direct.messages({ user: 'alice' })
      await expect.poll(() => deliveredAt(server, message), soon).not.toBe(null)
    }
    expect(performance.now() - begin).toBeGreaterThan(1_000)
  })
})

describe('delivered marks on PostgreSQL', () => {
  test('that wait are written before a server stops', async () => {
    const senders = named('sender', 5)
    await using server = await createTestServer({ using: 'postgres', users: [...senders, 'bob'] })
    const stopping = await server.another()
    let sent: Message[] = []
    // The second ones come within the second in which the first ones were written.
    for (const text of ['first', 'second']) {
      sent = await Promise.all(senders.map((from) => server.as(from).messages.send({ to: 'bob', text })))
      await Promise.all(senders.map((user) => stopping.as('bob').direct.messages({ user })))
    }
    await stopping[Symbol.asyncDispose]()

    for (const message of sent) expect(await deliveredAt(server, message)).not.toBe(null)
  })

  test('whose row is locked come later, and keep neither the others nor a send waiting', async () => {
    await using world = await startServer('postgres', { users: ['alice', 'bob', 'carol'] })
    const fromBob = await world.send('bob', 'alice', 'x')
    const fromCarol = await world.send('carol', 'alice', 'x')
    const isDelivered = async ({ id }: { id: string }) =>
      (await world.client.messages.get({ messageId: id })).deliveredAt !== null
    await withPostgres(world.databaseUrl, async (client) => {
      await client.query('begin')
      await client.query('select 1 from participants where conversation_id = $1 for update', [
        fromBob.conversationId,
      ])
      await world.call('alice', 'GET', '/v1/conversations')
      await expect.poll(() => isDelivered(fromCarol), soon).toBe(true)
      await world.send('alice', 'carol', 'still quick')
      expect(await isDelivered(fromBob)).toBe(false)
      await client.query('rollback')
    })
    await expect.poll(() => isDelivered(fromBob), soon).toBe(true)
    expect(world.logs.filter((line) => line.includes('delivery mark'))).toEqual([])
  })
})
