import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { dialects, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

describe.each(dialects)('a stream that begins while things happen, on %s', (using) => {
  test('gets what is being handed out at that moment', async () => {
    let onNextMessages: (() => void) | undefined
    await using world = await startServer(using, {
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
    await world.send('alice', 'bob', 'first')
    await using alice = await world.sse('alice')
    const { id: bobId } = await world.client.users.get({ user: 'bob' })
    const { events } = world.app

    // The tail reads the message for alice's stream; bob's begins right then.
    const bob = new Promise<Awaited<ReturnType<typeof events.subscribe>>>((resolve, reject) => {
      onNextMessages = () => events.subscribe({ userId: bobId }).then(resolve, reject)
    })
    await world.send('alice', 'bob', 'second')
    await alice.inbox.untilText('second')
    const stream = await bob
    const items = await stream.take(AbortSignal.timeout(1_000))
    stream.end()
    expect(items?.map((item) => item.event.type)).toContain('message.created')
  })

  test('resumes where it was when it is cut off before it has caught up', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    await world.send('alice', 'bob', 'before')
    const first = await world.sse('bob')
    const { cursor } = first
    first.close()
    for (let i = 0; i < 10; i++) await world.send('alice', 'bob', `${i}`)

    await using second = await world.sse('bob', '', cursor)
    // The first block comes before anything that was missed: its cursor must not be ahead of it.
    await using third = await world.sse(
      'bob',
      '',
      second.inbox.received.length === 0 ? second.cursor : cursor,
    )
    await third.inbox.untilText('9')
    expect(third.inbox.texts).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])

    const { id: userId } = await world.client.users.get({ user: 'bob' })
    const stream = await world.app.events.subscribe({ userId, cursor })
    expect(stream.cursor).toBe(cursor)
    await stream.take()
    stream.end()
  })

  test('over tRPC a signal does not carry the cursor of what comes after it', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    const { conversationId } = await world.send('alice', 'bob', 'first')
    await using bob = await world.ws('bob')
    await using probe = await world.sse('bob')
    // One turn of the event loop gathers all three for the stream.
    const { app } = world
    const bobId = (await world.client.users.get({ user: 'bob' })).id
    const aliceId = (await world.client.users.get({ user: 'alice' })).id
    await world.send('alice', 'bob', 'second')
    await bob.inbox.untilText('second')
    app.typing.start({ conversationId, userId: aliceId, toUserIds: [bobId] })
    await world.send('alice', 'bob', 'third')
    await bob.inbox.untilText('third')
    const kept = bob.inbox.received.filter(({ event }) => event.type !== 'typing.started')
    const signal = bob.inbox.received.find(({ event }) => event.type === 'typing.started')
    const before = bob.inbox.received.find((_, index, all) => all[index + 1] === signal)
    expect(kept.length).toBeGreaterThan(1)
    expect(signal?.cursor).toBe(before?.cursor)
    await probe.inbox.untilText('third')
  })

  test('a stream whose client left while it was being opened is not left behind', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    for (let i = 0; i < 60; i++) {
      const opening = request(`${world.url}/v1/events`, { agent: false, headers: world.headers('bob') })
      opening.on('error', () => {})
      opening.end()
      await wait(i % 6)
      opening.destroy()
    }
    await expect.poll(() => world.app.events.streamCount, { timeout: 3_000 }).toBe(0)
  })
})
