import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Message } from '@sotto/contract'
import {
  dialects,
  openPausedSse,
  openPausedWs,
  openSse,
  readSuperjson,
  startServer,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

// Together more than the buffers of a stream hold.
const MESSAGES = 100
const LONG = 'x'.repeat(63_000)
const settings = { maxTextLength: 100_000 }

describe.each(dialects)('streams on %s', (using) => {
  test('are closed if the client stops reading, mark nothing more as delivered, and can be resumed', {
    timeout: 60_000,
  }, async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'carol'], settings })
    for (const name of ['bob', 'carol']) await server.send('alice', name, 'first')
    await using sse = await server.sse('bob')
    const { cursor } = sse
    sse.close()
    using paused = await openPausedSse(`${server.url}/v1/events`, server.headers('bob'))
    using _pausedWs = await openPausedWs(server.url, server.headers('carol'))
    await expect.poll(() => server.app.events.streamCount).toBe(2)
    const text = (i: number) => `${i} ${LONG}`
    let last: Message | undefined
    for (let i = 0; i < MESSAGES; i++) {
      await server.send('alice', 'bob', text(i))
      last = await server.send('alice', 'carol', text(i))
    }
    await expect.poll(() => server.app.events.streamCount).toBe(0)
    await wait(1_500)
    const seen = await server.call<Message>('alice', 'GET', `/v1/messages/${last?.id}`)
    expect(seen.deliveredAt).toBeNull()

    // The buffered data consists of complete blocks, and possibly a partial one at the end.
    const blocks = (await paused.readAll()).split('\n\n').slice(0, -1)
    const ids = blocks.flatMap((block) => /^id: (.*)$/m.exec(block)?.[1] ?? [])
    expect(ids.length).toBeLessThan(MESSAGES)
    const seenTexts = blocks
      .flatMap((block) => /^data: (.*)$/m.exec(block)?.[1] ?? [])
      .flatMap((json) => {
        const event = JSON.parse(json) as { message?: Message }
        return event.message?.text ?? []
      })
    await using resumed = await server.sse('bob', '', ids.at(-1) ?? cursor)
    await resumed.inbox.untilText(text(MESSAGES - 1), 10_000)
    expect([...seenTexts, ...resumed.inbox.texts]).toEqual(
      Array.from({ length: MESSAGES }, (_, i) => text(i)),
    )
  })

  test('are also closed over tRPC if the client stops reading, and can be resumed', {
    timeout: 60_000,
  }, async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'], settings })
    await server.send('alice', 'bob', 'first')
    const url = `${server.url}/trpc/events.stream?input=${encodeURIComponent('{"json":{}}')}`
    await using begin = await server.sse('bob')
    const { cursor } = begin
    begin.close()
    using paused = await openPausedSse(url, server.headers('bob'))
    await expect.poll(() => server.app.events.streamCount).toBe(1)
    const text = (i: number) => `${i} ${LONG}`
    for (let i = 0; i < MESSAGES; i++) await server.send('alice', 'bob', text(i))
    await expect.poll(() => server.app.events.streamCount).toBe(0)

    const blocks = (await paused.readAll()).split('\n\n').slice(0, -1)
    const seen = blocks.flatMap((block) => {
      const [, data] = /^data: (.*)$/m.exec(block) ?? []
      const event = data === undefined ? undefined : readSuperjson(data)
      return event?.type === 'message.created' ? [event.message.text] : []
    })
    expect(seen.length).toBeLessThan(MESSAGES)
    const last = blocks.flatMap((block) => /^id: (.*)$/m.exec(block)?.[1] ?? []).at(-1)
    await using resumed = await openSse(url, server.headers('bob'), last ?? cursor, readSuperjson)
    await resumed.inbox.untilText(text(MESSAGES - 1), 10_000)
    expect([...seen, ...resumed.inbox.texts]).toEqual(Array.from({ length: MESSAGES }, (_, i) => text(i)))
  })

  test('stay open for a client that reads, despite a burst of long texts', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    await server.send('alice', 'bob', 'first')
    await using bob = await server.sse('bob')
    await using bobWs = await server.ws('bob')
    // Four bytes per character: one or two batches exceed 256 KiB.
    const text = '😀'.repeat(9_000)
    await Promise.all(Array.from({ length: 150 }, (_, i) => server.send('alice', 'bob', `${i}${text}`)))
    await bob.inbox.until(() => bob.inbox.texts.length >= 150, 15_000)
    await bobWs.inbox.until(() => bobWs.inbox.texts.length >= 150, 15_000)
  })

  test('are limited to twenty per user, and to the configured number per server', async () => {
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      settings: { maxStreams: 22 },
    })
    const streams = await Promise.all(Array.from({ length: 20 }, () => server.sse('bob')))
    await expect(server.sse('bob')).rejects.toMatchObject({ status: 429, code: 'RATE_LIMITED' })
    await using rejected = await server.ws('bob')
    await expect.poll(() => rejected.failure).toBe('RATE_LIMITED')
    await using _one = await server.sse('alice')
    await using _two = await server.sse('alice')
    await expect(server.sse('alice')).rejects.toMatchObject({ status: 503, code: 'UNAVAILABLE' })
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()))
    await expect.poll(() => server.app.events.streamCount).toBe(2)
    await using _three = await server.sse('bob')
  })

  test('release their sockets and timers', { timeout: 60_000 }, async () => {
    await using server = await startServer(using, { users: Array.from({ length: 20 }, (_, i) => `user${i}`) })
    const round = async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const stream = i % 2 === 0 ? await server.sse(`user${i}`) : await server.ws(`user${i}`)
          await stream[Symbol.asyncDispose]()
        }),
      )
    }
    const countHandles = () => {
      const counts = Map.groupBy(process.getActiveResourcesInfo(), (name) => name)
      return (counts.get('TCPSocketWrap')?.length ?? 0) + (counts.get('Timeout')?.length ?? 0)
    }
    await round()
    await expect.poll(() => server.app.events.streamCount).toBe(0)
    await wait(500)
    const before = countHandles()
    for (let i = 0; i < 50; i++) await round()
    await expect.poll(() => server.app.events.streamCount).toBe(0)
    await expect.poll(countHandles).toBeLessThanOrEqual(before)
  })
})

test('WebSockets are only accepted from allowed origins', async () => {
  await using server = await startServer('sqlite', {
    settings: { allowedOrigins: ['https://app.example.com'] },
  })
  const statusFor = (origin: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${server.url}/trpc`, {
        agent: false,
        headers: {
          origin,
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        },
      })
      call.on('response', ({ statusCode }) => {
        resolve(statusCode)
        call.destroy()
      })
      call.on('upgrade', (_, socket) => {
        resolve(101)
        socket.destroy()
      })
      call.on('error', reject)
      call.end()
    })
  expect(await statusFor('https://evil.example.com')).toBe(403)
  expect(await statusFor('null')).toBe(403)
  expect(await statusFor(`${server.url}.evil.example.com`)).toBe(403)
  expect(await statusFor('https://app.example.com')).toBe(101)
  expect(await statusFor(server.url)).toBe(101)
})
