import type { Event } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { describe, expect, test } from 'vitest'
import { startRedis } from './redis.ts'

/** The poll interval of one second, and a margin for a busy machine. */
const POLL_MS = 2_500

describe('two servers with Redis', () => {
  test('exchange messages, typing and presence', async () => {
    await using redis = await startRedis()
    await using first = await createTestServer(options(redis.url))
    await using second = await first.another()
    const { conversationId } = await first.as('alice').messages.send({ to: 'bob', text: 'first' })
    await using bob = readEvents(second, 'bob', { presence: ['alice'] })
    await bob.untilConnected

    await first.as('alice').messages.send({ to: 'bob', text: 'hello' })
    await expect.poll(() => bob.texts).toEqual(['hello'])
    // Signals are not stored, so they are repeated until the servers are connected to Redis.
    await expect
      .poll(
        async () => {
          await first.as('alice').conversations.typing({ conversationId, typing: false })
          await first.as('alice').conversations.typing({ conversationId, typing: true })
          return bob.types
        },
        { timeout: 10_000 },
      )
      .toContain('typing.started')

    const alice = readEvents(first, 'alice')
    await alice.untilConnected
    await expect.poll(() => bob.online).toBe(true)
    expect(await second.as('bob').users.presence({ user: 'alice' })).toMatchObject({ online: true })
    await alice[Symbol.asyncDispose]()
    await expect.poll(() => bob.online, { timeout: 15_000 }).toBe(false)
    const offline = await second.as('bob').users.presence({ user: 'alice' })
    expect(offline).toMatchObject({ online: false, lastSeenAt: expect.any(Date) })
  })

  test('let a stream on another server watch more users', async () => {
    await using redis = await startRedis()
    await using first = await createTestServer(options(redis.url))
    await using second = await first.another()
    await first.as('alice').messages.send({ to: 'bob', text: 'first' })
    const leaving = new AbortController()
    const headers = { authorization: `Bearer ${second.serviceKey}`, 'act-as': 'bob' }
    const { body } = await second.fetch('/v1/events?streamId=phone', { headers, signal: leaving.signal })
    let received = ''
    const reading = body?.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({
        write(text) {
          received += text
        },
      }),
    )
    // Repeated until the servers are connected to Redis.
    await expect
      .poll(
        async () => {
          const watching = first.as('bob').events.watch({ streamId: 'phone', presence: ['alice'] })
          expect(await watching).toEqual({ found: true })
          return received
        },
        { timeout: 10_000 },
      )
      .toContain('presence.changed')
    leaving.abort()
    await reading?.catch(() => {})
  })

  test('end what a blocked user sees of typing, also on another server', async () => {
    await using redis = await startRedis()
    await using first = await createTestServer(options(redis.url))
    await using second = await first.another()
    const { conversationId } = await first.as('alice').messages.send({ to: 'bob', text: 'first' })
    await using bob = readEvents(second, 'bob')
    await bob.untilConnected
    const typing = () => bob.types.filter((type) => type.startsWith('typing.'))
    // Repeated until the servers are connected to Redis.
    await expect
      .poll(
        async () => {
          await first.as('alice').conversations.typing({ conversationId, typing: false })
          await first.as('alice').conversations.typing({ conversationId, typing: true })
          return typing()
        },
        { timeout: 10_000 },
      )
      .toContain('typing.started')
    await expect.poll(() => typing().at(-1)).toBe('typing.started')
    await second.as('bob').blocks.add({ user: 'alice' })
    await expect.poll(() => typing().at(-1), { timeout: 5_000 }).toBe('typing.stopped')
  })

  test('lose nothing while it is down, and reconnect', { timeout: 60_000 }, async () => {
    await using redis = await startRedis()
    await using first = await createTestServer(options(redis.url))
    await using second = await first.another()
    await first.as('alice').messages.send({ to: 'bob', text: 'first' })
    await using bob = readEvents(second, 'bob')
    await bob.untilConnected
    const latency = async (text: string) => {
      const before = performance.now()
      await first.as('alice').messages.send({ to: 'bob', text })
      await expect.poll(() => bob.texts.at(-1), { timeout: 10_000, interval: 2 }).toBe(text)
      return performance.now() - before
    }

    await redis.kill()
    for (let i = 0; i < 5; i++) expect(await latency(`without ${i}`)).toBeLessThan(POLL_MS)
    await redis.start()
    let i = 0
    await expect.poll(() => latency(`again ${i++}`), { timeout: 30_000 }).toBeLessThan(200)

    const sent = [...Array(5).keys()]
      .map((n) => `without ${n}`)
      .concat([...Array(i).keys()].map((n) => `again ${n}`))
    expect(bob.texts).toEqual(sent)
  })

  test('start and serve while it is down', async () => {
    await using redis = await startRedis()
    await redis.kill()
    await using server = await createTestServer(options(redis.url))
    await server.as('alice').messages.send({ to: 'bob', text: 'hello' })
    expect((await server.as('bob').conversations.list()).items).toHaveLength(1)
    expect(server.logs.filter((line) => line.includes('Redis is not reachable'))).toHaveLength(1)
  })
})

function options(redisUrl: string) {
  return { using: 'postgres' as const, users: ['alice', 'bob'], settings: { redisUrl } }
}

/** Reads a user's events until it is disposed. */
function readEvents(server: TestServer, user: string, stream: { presence?: string[] } = {}) {
  const events: Event[] = []
  const stop = new AbortController()
  let connected: () => void
  const untilConnected = new Promise<void>((resolve) => {
    connected = resolve
  })
  const reading = (async () => {
    const received = server.as(user).events({
      ...stream,
      signal: stop.signal,
      onStatus: (status) => status === 'connected' && connected(),
    })
    for await (const event of received) events.push(event)
  })()
  return {
    untilConnected,
    get texts() {
      return events.flatMap((event) => (event.type === 'message.created' ? event.message.text : []))
    },
    get types() {
      return events.map((event) => event.type)
    },
    /** The presence in the latest event. */
    get online() {
      return events.findLast((event) => event.type === 'presence.changed')?.online
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await reading
    },
  }
}
