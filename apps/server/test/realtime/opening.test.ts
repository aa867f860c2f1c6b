import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { dialects, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

describe.each(dialects)('an opening stream on %s', (using) => {
  test('receives events that are being sent at that moment', async () => {
    let onNextMessages: (() => void) | undefined
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      overrides: {
        onStatement(sql) {
          if (!onNextMessages || !/from "?messages"?/.test(sql)) return
          const run = onNextMessages
          onNextMessages = undefined
          run()
        },
      },
    })
    await server.send('alice', 'bob', 'first')
    await using alice = await server.sse('alice')
    const { id: bobId } = await server.client.users.get({ user: 'bob' })
    const { events } = server.app

    // Opens bob's stream while the tail reads the message for alice's.
    const bob = new Promise<Awaited<ReturnType<typeof events.subscribe>>>((resolve, reject) => {
      onNextMessages = () => events.subscribe({ userId: bobId }).then(resolve, reject)
    })
    await server.send('alice', 'bob', 'second')
    await alice.inbox.untilText('second')
    const stream = await bob
    const items = await stream.take(AbortSignal.timeout(1_000))
    stream.end()
    expect(items?.map((item) => item.event.type)).toContain('message.created')
  })

  test('keeps its old cursor until it has sent the missed events', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    await server.send('alice', 'bob', 'before')
    const first = await server.sse('bob')
    const { cursor } = first
    first.close()
    for (let i = 0; i < 10; i++) await server.send('alice', 'bob', `${i}`)

    await using second = await server.sse('bob', '', cursor)
    // The first block precedes the missed events, so its cursor must precede them too.
    await using third = await server.sse(
      'bob',
      '',
      second.inbox.received.length === 0 ? second.cursor : cursor,
    )
    await third.inbox.untilText('9')
    expect(third.inbox.texts).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])

    const { id: userId } = await server.client.users.get({ user: 'bob' })
    const stream = await server.app.events.subscribe({ userId, cursor })
    expect(stream.cursor).toBe(cursor)
    await stream.take()
    stream.end()
  })

  test('sends signals over tRPC with the cursor of the event before them', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const { conversationId } = await server.send('alice', 'bob', 'first')
    await using bob = await server.ws('bob')
    await using probe = await server.sse('bob')
    // The stream collects all three in one iteration of the event loop.
    const { app } = server
    const bobId = (await server.client.users.get({ user: 'bob' })).id
    const aliceId = (await server.client.users.get({ user: 'alice' })).id
    await server.send('alice', 'bob', 'second')
    await bob.inbox.untilText('second')
    app.typing.start({ conversationId, userId: aliceId }, [bobId])
    await server.send('alice', 'bob', 'third')
    await bob.inbox.untilText('third')
    const kept = bob.inbox.received.filter(({ event }) => event.type !== 'typing.started')
    const signal = bob.inbox.received.find(({ event }) => event.type === 'typing.started')
    const before = bob.inbox.received.find((_, index, all) => all[index + 1] === signal)
    expect(kept.length).toBeGreaterThan(1)
    expect(signal?.cursor).toBe(before?.cursor)
    await probe.inbox.untilText('third')
  })

  test('is closed if its client has already disconnected', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    for (let i = 0; i < 60; i++) {
      const opening = request(`${server.url}/v1/events`, { agent: false, headers: server.headers('bob') })
      opening.on('error', () => {})
      opening.end()
      await wait(i % 6)
      opening.destroy()
    }
    await expect.poll(() => server.app.events.streamCount, { timeout: 3_000 }).toBe(0)
  })
})
