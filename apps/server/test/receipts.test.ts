import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Message } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, type RunningServer, startServer } from '@sotto/testing/internal'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'

/* Which messages count as delivered or read, by whom. */

const soon = { interval: 10, timeout: 10_000 }
const users = ['alice', 'bob', 'carol']

async function deliveredTo(server: Pick<TestServer, 'client'>, { id }: Message): Promise<boolean> {
  return (await server.client.messages.get({ messageId: id })).deliveredAt !== null
}

describe.each(dialects)('receipts on %s', (using) => {
  test('have no times for those who cannot see a message, nor for its sender', async () => {
    await using server = await createTestServer({ using, users: [...users, 'dave'] })
    const [alice, bob, carol] = [server.as('alice'), server.as('bob'), server.as('carol')]
    const { id: conversationId } = await alice.conversations.create({
      name: 'Group',
      participants: ['bob', 'dave'],
    })
    const send = (text: string) => alice.messages.send({ conversationId, text })
    await send('1')
    await alice.participants.set({ conversationId, user: 'carol' })
    await alice.participants.remove({ conversationId, user: 'bob' })
    await send('2')
    await alice.participants.set({ conversationId, user: 'bob' })
    await send('3')
    await carol.messages.send({ conversationId, text: '4' })
    for (const user of users) await server.as(user).conversations.read({ conversationId, seq: 4 })

    const ids = new Map<string, string>()
    for (const user of users) ids.set((await server.client.users.get({ user })).id, user)
    const readersOf = async (client: TestServer['client'], seq?: number) => {
      const { items } = await client.conversations.receipts({
        conversationId,
        ...(seq !== undefined && { seq }),
      })
      for (const item of items) expect(item.deliveredAt === null).toBe(item.readAt === null)
      return items.flatMap(({ userId, readAt }) => (readAt ? (ids.get(userId) ?? []) : [])).toSorted()
    }
    expect(await readersOf(server.client, 1)).toEqual(['bob'])
    expect(await readersOf(server.client, 2)).toEqual(['carol'])
    expect(await readersOf(server.client, 3)).toEqual(['bob', 'carol'])
    expect(await readersOf(server.client, 4)).toEqual(['alice', 'bob'])
    expect(await readersOf(server.client)).toEqual(['alice', 'bob'])
    expect(await readersOf(server.client, 5)).toEqual([])
    // The reader cannot see the first message, or the second.
    expect(await readersOf(carol, 1)).toEqual([])
    expect(await readersOf(bob, 2)).toEqual([])
    expect(await readersOf(bob, 3)).toEqual(['bob', 'carol'])
  })

  test('of a single message move the delivered mark only to the next message', async () => {
    await using server = await createTestServer({ using, users })
    const send = (text: string) => server.as('alice').messages.send({ to: 'bob', text })
    const [first, second, third] = [await send('1'), await send('2'), await send('3')]
    const get = ({ id: messageId }: Message) => server.as('bob').messages.get({ messageId })
    const states = async () =>
      Promise.all([first, second, third].map((message) => deliveredTo(server, message)))
    await get(third)
    await server.as('bob').messages.list({ sender: 'alice', limit: 1 })
    await get(first)
    await expect.poll(states, soon).toEqual([true, false, false])
    await get(second)
    await expect.poll(states, soon).toEqual([true, true, false])
    // Also in quick succession, before the first mark is written, and past the reader's own messages.
    await get(third)
    await server.as('bob').messages.send({ to: 'alice', text: '4' })
    const fifth = await send('5')
    await get(fifth)
    await expect.poll(() => deliveredTo(server, fifth), soon).toBe(true)
    expect(await states()).toEqual([true, true, true])
  })

  test('are not written for HEAD', async () => {
    await using server = await startServer(using, { users })
    const { cursor } = await server.client.as('bob').events.pull()
    const message = await server.send('alice', 'bob', 'unseen')
    const paths = [
      `/v1/messages/${message.id}`,
      `/v1/conversations/${message.conversationId}`,
      `/v1/conversations/${message.conversationId}/messages`,
      '/v1/direct/alice',
      '/v1/direct/alice/messages',
      '/v1/conversations',
      '/v1/messages',
      `/v1/events/pull?cursor=${cursor}&wait=5`,
    ]
    for (const path of paths) {
      const response = await server.fetch(path, { method: 'HEAD', headers: server.headers('bob') })
      expect(response.status, path).toBe(200)
    }
    await expectUnmarked(server, message)
  })

  test('are not written if the connection closed before the response was written', async () => {
    await using server = await startServer(using, { users })
    const message = await server.send('alice', 'bob', 'unseen')
    const read = server.app.read
    const called = Promise.withResolvers<void>()
    const proceed = Promise.withResolvers<void>()
    Object.assign(server.app, {
      async read(work: Parameters<typeof read>[0]) {
        called.resolve()
        await proceed.promise
        return read(work)
      },
    })
    const client = new AbortController()
    const paths = ['/v1/direct/alice/messages', '/v1/messages', '/v1/conversations']
    const requests = paths.map((path) =>
      server.fetch(path, { headers: server.headers('bob'), signal: client.signal }).catch(() => 'aborted'),
    )
    await called.promise
    client.abort()
    expect(await Promise.all(requests)).toEqual(paths.map(() => 'aborted'))
    await delay(200)
    proceed.resolve()
    Object.assign(server.app, { read })
    await expectUnmarked(server, message)
  })

  test('are not written if the connection closed while the response was being written', async () => {
    await using server = await startServer(using, { users })
    // More than the connection can buffer.
    const text = '😀'.repeat(10_000)
    const sent = Array.from({ length: 200 }, () => server.send('alice', 'bob', text))
    const [message] = await Promise.all(sent)
    if (!message) throw new Error('nothing was sent')
    const { hostname, port } = new URL(server.url)
    for (const path of ['/v1/direct/alice/messages?limit=200', '/v1/messages?limit=200&kind=text']) {
      const socket = connect(Number(port), hostname)
      const headers = Object.entries({ host: 'sotto.test', ...server.headers('bob') })
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      socket.write(`GET ${path} HTTP/1.1\r\n${lines}\r\n`)
      const [start] = (await once(socket, 'data')) as [Buffer]
      expect(start.toString()).toMatch(/^HTTP\/1.1 200 /)
      socket.destroy()
    }
    await expectUnmarked(server, message)
  })

  test('are written for calls over HTTP, in a batch and over WebSocket', async () => {
    await using server = await startServer(using, { users })
    const [one, two, three] = [
      await server.send('alice', 'bob', 'one'),
      await server.send('carol', 'bob', 'two'),
      await server.send('alice', 'carol', 'three'),
    ]
    const inputOf = ({ id }: Message) => superjson.serialize({ messageId: id })
    const batch = encodeURIComponent(JSON.stringify({ 0: inputOf(one), 1: inputOf(two) }))
    await server.fetch(`/trpc/messages.get,messages.get?batch=1&input=${batch}`, {
      headers: server.headers('bob'),
    })
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/trpc?connectionParams=1`)
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
    const { authorization = '', 'act-as': actAs = '' } = server.headers('carol')
    socket.send(JSON.stringify({ method: 'connectionParams', data: { authorization, actAs } }))
    const params = { path: 'messages.get', input: inputOf(three) }
    socket.send(JSON.stringify({ id: 1, method: 'query', params }))
    await expect
      .poll(() => Promise.all([one, two, three].map((message) => deliveredTo(server, message))), soon)
      .toEqual([true, true, true])
    socket.close()
  })
})

/** Waits until a later mark has been written, then checks that this message has none. */
async function expectUnmarked(server: RunningServer, message: Message): Promise<void> {
  const later = await server.send('carol', 'bob', 'seen')
  await server.call('bob', 'GET', `/v1/messages/${later.id}`)
  await expect.poll(() => deliveredTo(server, later), soon).toBe(true)
  expect(await deliveredTo(server, message)).toBe(false)
}
