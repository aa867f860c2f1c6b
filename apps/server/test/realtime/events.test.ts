import type { Message } from '@sotto/contract'
import { dialects, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

interface Pull {
  items: { id: string; type: string }[]
  cursor: string
}

describe.each(dialects)('events on %s', (using) => {
  test('reach all devices of both users, match the contract, and are the same on every transport', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    await using aliceSse = await server.sse('alice')
    await using aliceWs = await server.ws('alice')
    await using bobSse = await server.sse('bob')
    await using bobWs = await server.ws('bob')
    await using carol = await server.sse('carol')
    const { cursor } = await server.call<Pull>('bob', 'GET', '/v1/events/pull')

    const message = await server.send('alice', 'bob', 'hello')
    const route = `/v1/messages/${message.id}` as const
    await server.call('alice', 'PATCH', route, { text: 'hello again' })
    await server.call('bob', 'PUT', `${route}/like`)
    await server.call('bob', 'DELETE', `${route}/like`)
    await server.call('bob', 'POST', `/v1/conversations/${message.conversationId}/read`, { seq: 1 })
    await server.call('bob', 'POST', `/v1/conversations/${message.conversationId}/typing`, { typing: true })
    await server.call('bob', 'POST', `/v1/conversations/${message.conversationId}/typing`, { typing: false })
    await server.call('alice', 'DELETE', route)

    const lasting = [
      'conversation.created',
      'message.created',
      'message.edited',
      'reaction.added',
      'reaction.removed',
      'receipt.updated',
      'message.deleted',
    ]
    for (const stream of [aliceSse, aliceWs, bobSse, bobWs]) {
      await stream.inbox.until(() => stream.inbox.types.includes('message.deleted'))
      await stream.inbox.until(() =>
        stream.inbox.events.some((event) => event.type === 'receipt.updated' && event.kind === 'read'),
      )
      expect([...stream.inbox.types].sort()).toEqual(expect.arrayContaining(lasting.toSorted()))
      const ids = stream.inbox.events.map((event) => event.id)
      expect(new Set(ids).size).toBe(ids.length)
    }
    expect([...aliceWs.violations, ...bobWs.violations]).toEqual([])
    // Messages are read once for all streams, so they are in the same state too.
    expect(aliceSse.inbox.events).toEqual(aliceWs.inbox.events)
    expect(bobSse.inbox.events).toEqual(bobWs.inbox.events)
    expect(aliceSse.inbox.types).toEqual(expect.arrayContaining(['typing.started', 'typing.stopped']))
    expect(bobSse.inbox.types).not.toContain('typing.started')
    expect(carol.inbox.types).toEqual([])
    const ofAlice = aliceSse.inbox.events.filter(
      (event) => event.type !== 'typing.started' && event.type !== 'typing.stopped',
    )
    expect(ofAlice.map((event) => event.id)).toEqual(bobSse.inbox.events.map((event) => event.id))

    const pulled = await server.call<Pull>('bob', 'GET', `/v1/events/pull?cursor=${cursor}`)
    expect(pulled.items.map(({ id, type }) => [id, type])).toEqual(
      bobSse.inbox.events.map(({ id, type }) => [id, type]),
    )
    expect(pulled.items.at(-1)).toEqual(bobSse.inbox.events.at(-1))
    const none = await server.call<Pull>('bob', 'GET', `/v1/events/pull?cursor=${pulled.cursor}`)
    expect(none.items).toEqual([])
  })

  test('end a waiting pull, which also ends when its client disconnects', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    const { cursor } = await server.call<Pull>('bob', 'GET', '/v1/events/pull')
    const pulling = server.call<Pull>('bob', 'GET', `/v1/events/pull?cursor=${cursor}&wait=10`)
    await expect.poll(() => server.app.events.streamCount).toBe(1)
    await server.send('alice', 'bob', 'hello')
    const { items } = await pulling
    expect(items[0]?.type).toBe('conversation.created')

    const abort = new AbortController()
    const left = fetch(`${server.url}/v1/events/pull?cursor=${cursor}&wait=30`, {
      headers: server.headers('alice'),
      signal: abort.signal,
    })
    left.catch(() => {})
    const quiet = await server.call<Pull>('carol', 'GET', '/v1/events/pull')
    const before = performance.now()
    const none = await server.call<Pull>('carol', 'GET', `/v1/events/pull?cursor=${quiet.cursor}&wait=1`)
    expect(none.items).toEqual([])
    expect(performance.now() - before).toBeGreaterThan(500)
    abort.abort()
    await expect.poll(() => server.app.events.streamCount, { timeout: 2_000 }).toBe(0)
  })

  test('can be limited to one conversation of the caller', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    const first = await server.send('alice', 'bob', 'to bob')
    await server.send('carol', 'alice', 'to alice')
    const beginning = await server.sse('alice')
    const { cursor } = beginning
    beginning.close()
    const query = `?conversationId=${first.conversationId}`
    await using live = await server.sse('alice', query)
    await server.send('carol', 'alice', 'other')
    await server.send('bob', 'alice', 'wanted')
    await live.inbox.untilText('wanted')
    expect(live.inbox.texts).toEqual(['wanted'])
    await using missed = await server.sse('alice', query, cursor)
    await using missedWs = await server.ws('alice', { conversationId: first.conversationId }, cursor)
    await missed.inbox.untilText('wanted')
    await missedWs.inbox.untilText('wanted')
    expect(missed.inbox.texts).toEqual(['wanted'])
    expect(missedWs.inbox.texts).toEqual(['wanted'])
    await expect(server.sse('carol', query)).rejects.toMatchObject({ code: 'CONVERSATION_NOT_FOUND' })
    await using rejected = await server.ws('carol', { conversationId: first.conversationId })
    await expect.poll(() => rejected.failure).toBe('CONVERSATION_NOT_FOUND')
  })

  test('include a delivery receipt once a stream has sent a message', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const message = await server.send('alice', 'bob', 'hello')
    const unseen = await server.call<Message>('alice', 'GET', `/v1/messages/${message.id}`)
    expect(unseen.deliveredAt).toBeNull()
    await using alice = await server.sse('alice')
    await using bob = await server.sse('bob')
    const second = await server.send('alice', 'bob', 'again')
    await alice.inbox.until(() => alice.inbox.types.includes('receipt.updated'))
    expect(alice.inbox.events.find((event) => event.type === 'receipt.updated')).toMatchObject({
      kind: 'delivered',
      seq: second.seq,
    })
    await bob.inbox.untilText('again')
    const seen = await server.call<Message>('alice', 'GET', `/v1/messages/${second.id}`)
    expect(seen.deliveredAt).not.toBeNull()
    expect(seen.readAt).toBeNull()
  })
})

test('presence is sent to users who share a conversation and requested it', { timeout: 20_000 }, async () => {
  await using server = await startServer('sqlite', { users: ['alice', 'bob', 'carol'] })
  await server.send('alice', 'bob', 'hello')
  await using alice = await server.sse('alice', '?presence=bob')
  await using carol = await server.sse('carol', '?presence=bob')
  await using silent = await server.sse('alice')
  await alice.inbox.until(() => alice.inbox.received.length === 1)
  expect(alice.inbox.events[0]).toMatchObject({ type: 'presence.changed', online: false })
  const bob = await server.sse('bob')
  await alice.inbox.until(() => alice.inbox.received.length === 2)
  expect(alice.inbox.events[1]).toMatchObject({ type: 'presence.changed', online: true, lastSeenAt: null })
  // A reconnect does not count as going offline.
  bob.close()
  const again = await server.sse('bob')
  again.close()
  await alice.inbox.until(() => alice.inbox.received.length === 3, 8_000)
  expect(alice.inbox.events[2]).toMatchObject({ type: 'presence.changed', online: false })
  expect(carol.inbox.types).toEqual([])
  expect(silent.inbox.types).toEqual([])
})
