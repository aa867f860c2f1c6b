import type { Message } from '@sotto/contract'
import { dialects, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

interface Pull {
  items: { id: string; type: string }[]
  cursor: string
}

describe.each(dialects)('events on %s', (using) => {
  test('reach both users and all their devices, as the contract says, the same on every transport', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    await using aliceSse = await world.sse('alice')
    await using aliceWs = await world.ws('alice')
    await using bobSse = await world.sse('bob')
    await using bobWs = await world.ws('bob')
    await using carol = await world.sse('carol')
    const { cursor } = await world.call<Pull>('bob', 'GET', '/v1/events/pull')

    const message = await world.send('alice', 'bob', 'hello')
    const route = `/v1/messages/${message.id}` as const
    await world.call('alice', 'PATCH', route, { text: 'hello again' })
    await world.call('bob', 'PUT', `${route}/like`)
    await world.call('bob', 'DELETE', `${route}/like`)
    await world.call('bob', 'POST', `/v1/conversations/${message.conversationId}/read`, { seq: 1 })
    await world.call('bob', 'POST', `/v1/conversations/${message.conversationId}/typing`, { typing: true })
    await world.call('bob', 'POST', `/v1/conversations/${message.conversationId}/typing`, { typing: false })
    await world.call('alice', 'DELETE', route)

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
        stream.inbox.events.some((one) => one.type === 'receipt.updated' && one.kind === 'read'),
      )
      expect([...stream.inbox.types].sort()).toEqual(expect.arrayContaining(lasting.toSorted()))
      const ids = stream.inbox.events.map((event) => event.id)
      expect(new Set(ids).size).toBe(ids.length)
    }
    expect([...aliceWs.violations, ...bobWs.violations]).toEqual([])
    // Byte for byte, but for the messages, which come as they stood when each transport fetched them together.
    expect(aliceSse.inbox.events).toEqual(aliceWs.inbox.events)
    expect(bobSse.inbox.events).toEqual(bobWs.inbox.events)
    expect(aliceSse.inbox.types).toEqual(expect.arrayContaining(['typing.started', 'typing.stopped']))
    expect(bobSse.inbox.types).not.toContain('typing.started')
    expect(carol.inbox.types).toEqual([])
    const ofAlice = aliceSse.inbox.events.filter(
      (event) => event.type !== 'typing.started' && event.type !== 'typing.stopped',
    )
    expect(ofAlice.map((event) => event.id)).toEqual(bobSse.inbox.events.map((event) => event.id))

    const pulled = await world.call<Pull>('bob', 'GET', `/v1/events/pull?cursor=${cursor}`)
    expect(pulled.items.map(({ id, type }) => [id, type])).toEqual(
      bobSse.inbox.events.map(({ id, type }) => [id, type]),
    )
    expect(pulled.items.at(-1)).toEqual(bobSse.inbox.events.at(-1))
    const none = await world.call<Pull>('bob', 'GET', `/v1/events/pull?cursor=${pulled.cursor}`)
    expect(none.items).toEqual([])
  })

  test('pull waits for the first, and gives up for a caller who has left', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    const { cursor } = await world.call<Pull>('bob', 'GET', '/v1/events/pull')
    const pulling = world.call<Pull>('bob', 'GET', `/v1/events/pull?cursor=${cursor}&wait=10`)
    await expect.poll(() => world.app.events.streamCount).toBe(1)
    await world.send('alice', 'bob', 'hello')
    const { items } = await pulling
    expect(items[0]?.type).toBe('conversation.created')

    const abort = new AbortController()
    const left = fetch(`${world.url}/v1/events/pull?cursor=${cursor}&wait=30`, {
      headers: world.headers('alice'),
      signal: abort.signal,
    })
    left.catch(() => {})
    const quiet = await world.call<Pull>('carol', 'GET', '/v1/events/pull')
    const before = performance.now()
    const none = await world.call<Pull>('carol', 'GET', `/v1/events/pull?cursor=${quiet.cursor}&wait=1`)
    expect(none.items).toEqual([])
    expect(performance.now() - before).toBeGreaterThan(500)
    abort.abort()
    await expect.poll(() => world.app.events.streamCount, { timeout: 2_000 }).toBe(0)
  })

  test('of one conversation alone, and of nobody else’s', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    const first = await world.send('alice', 'bob', 'to bob')
    await world.send('carol', 'alice', 'to alice')
    const beginning = await world.sse('alice')
    const { cursor } = beginning
    beginning.close()
    const query = `?conversationId=${first.conversationId}`
    await using live = await world.sse('alice', query)
    await world.send('carol', 'alice', 'other')
    await world.send('bob', 'alice', 'wanted')
    await live.inbox.untilText('wanted')
    expect(live.inbox.texts).toEqual(['wanted'])
    await using missed = await world.sse('alice', query, cursor)
    await using missedWs = await world.ws('alice', { conversationId: first.conversationId }, cursor)
    await missed.inbox.untilText('wanted')
    await missedWs.inbox.untilText('wanted')
    expect(missed.inbox.texts).toEqual(['wanted'])
    expect(missedWs.inbox.texts).toEqual(['wanted'])
    await expect(world.sse('carol', query)).rejects.toMatchObject({ code: 'CONVERSATION_NOT_FOUND' })
    await using refused = await world.ws('carol', { conversationId: first.conversationId })
    await expect.poll(() => refused.failure).toBe('CONVERSATION_NOT_FOUND')
  })

  test('say that a message was delivered once a stream has handed it over', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    const message = await world.send('alice', 'bob', 'hello')
    const unseen = await world.call<Message>('alice', 'GET', `/v1/messages/${message.id}`)
    expect(unseen.deliveredAt).toBeNull()
    await using alice = await world.sse('alice')
    await using bob = await world.sse('bob')
    const second = await world.send('alice', 'bob', 'again')
    await alice.inbox.until(() => alice.inbox.types.includes('receipt.updated'))
    expect(alice.inbox.events.find((event) => event.type === 'receipt.updated')).toMatchObject({
      kind: 'delivered',
      seq: second.seq,
    })
    await bob.inbox.untilText('again')
    const seen = await world.call<Message>('alice', 'GET', `/v1/messages/${second.id}`)
    expect(seen.deliveredAt).not.toBeNull()
    expect(seen.readAt).toBeNull()
  })
})

test('presence is told to those who share a conversation and asked for it', { timeout: 20_000 }, async () => {
  await using world = await startServer('sqlite', { users: ['alice', 'bob', 'carol'] })
  await world.send('alice', 'bob', 'hello')
  await using alice = await world.sse('alice', '?presence=bob')
  await using carol = await world.sse('carol', '?presence=bob')
  await using silent = await world.sse('alice')
  await alice.inbox.until(() => alice.inbox.received.length === 1)
  expect(alice.inbox.events[0]).toMatchObject({ type: 'presence.changed', online: false })
  const bob = await world.sse('bob')
  await alice.inbox.until(() => alice.inbox.received.length === 2)
  expect(alice.inbox.events[1]).toMatchObject({ type: 'presence.changed', online: true, lastSeenAt: null })
  // A reconnect is no absence.
  bob.close()
  const again = await world.sse('bob')
  again.close()
  await alice.inbox.until(() => alice.inbox.received.length === 3, 8_000)
  expect(alice.inbox.events[2]).toMatchObject({ type: 'presence.changed', online: false })
  expect(carol.inbox.types).toEqual([])
  expect(silent.inbox.types).toEqual([])
})
