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

const MESSAGES = 700
const LONG = 'x'.repeat(9_000)

describe.each(dialects)('bounds of streams on %s', (using) => {
  test('who stops reading is cut off, marks nothing as delivered from then on, and resumes', {
    timeout: 60_000,
  }, async () => {
    await using world = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    for (const name of ['bob', 'carol']) await world.send('alice', name, 'first')
    await using sse = await world.sse('bob')
    const { cursor } = sse
    sse.close()
    using paused = await openPausedSse(`${world.url}/v1/events`, world.headers('bob'))
    using _pausedWs = await openPausedWs(world.url, world.headers('carol'))
    await expect.poll(() => world.app.events.streamCount).toBe(2)
    const text = (i: number) => `${i} ${LONG}`
    let last: Message | undefined
    for (let i = 0; i < MESSAGES; i++) {
      await world.send('alice', 'bob', text(i))
      last = await world.send('alice', 'carol', text(i))
    }
    await expect.poll(() => world.app.events.streamCount).toBe(0)
    await wait(1_500)
    const seen = await world.call<Message>('alice', 'GET', `/v1/messages/${last?.id}`)
    expect(seen.deliveredAt).toBeNull()

    // What was on its way is whole blocks and perhaps one that is not.
    const blocks = (await paused.readAll()).split('\n\n').slice(0, -1)
    const ids = blocks.flatMap((block) => /^id: (.*)$/m.exec(block)?.[1] ?? [])
    expect(ids.length).toBeLessThan(MESSAGES)
    const seenTexts = blocks
      .flatMap((block) => /^data: (.*)$/m.exec(block)?.[1] ?? [])
      .flatMap((json) => {
        const event = JSON.parse(json) as { message?: Message }
        return event.message?.text ?? []
      })
    await using resumed = await world.sse('bob', '', ids.at(-1) ?? cursor)
    await resumed.inbox.untilText(text(MESSAGES - 1), 10_000)
    expect([...seenTexts, ...resumed.inbox.texts]).toEqual(
      Array.from({ length: MESSAGES }, (_, i) => text(i)),
    )
  })

  test('who stops reading tRPC’s Server-Sent Events is cut off, and resumes', {
    timeout: 60_000,
  }, async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    await world.send('alice', 'bob', 'first')
    const url = `${world.url}/trpc/events.stream?input=${encodeURIComponent('{"json":{}}')}`
    await using begin = await world.sse('bob')
    const { cursor } = begin
    begin.close()
    using paused = await openPausedSse(url, world.headers('bob'))
    await expect.poll(() => world.app.events.streamCount).toBe(1)
    const text = (i: number) => `${i} ${LONG}`
    for (let i = 0; i < MESSAGES; i++) await world.send('alice', 'bob', text(i))
    await expect.poll(() => world.app.events.streamCount).toBe(0)

    const blocks = (await paused.readAll()).split('\n\n').slice(0, -1)
    const seen = blocks.flatMap((block) => {
      const [, data] = /^data: (.*)$/m.exec(block) ?? []
      const event = data === undefined ? undefined : readSuperjson(data)
      return event?.type === 'message.created' ? [event.message.text] : []
    })
    expect(seen.length).toBeLessThan(MESSAGES)
    const last = blocks.flatMap((block) => /^id: (.*)$/m.exec(block)?.[1] ?? []).at(-1)
    await using resumed = await openSse(url, world.headers('bob'), last ?? cursor, readSuperjson)
    await resumed.inbox.untilText(text(MESSAGES - 1), 10_000)
    expect([...seen, ...resumed.inbox.texts]).toEqual(Array.from({ length: MESSAGES }, (_, i) => text(i)))
  })

  test('who reads is not cut off by a burst, nor by a text of any size', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    await world.send('alice', 'bob', 'first')
    await using bob = await world.sse('bob')
    await using bobWs = await world.ws('bob')
    // Four bytes a character: more than 256 KiB in a batch or two.
    const text = '😀'.repeat(9_000)
    await Promise.all(Array.from({ length: 150 }, (_, i) => world.send('alice', 'bob', `${i}${text}`)))
    await bob.inbox.until(() => bob.inbox.texts.length >= 150, 15_000)
    await bobWs.inbox.until(() => bobWs.inbox.texts.length >= 150, 15_000)
  })

  test('a user takes twenty streams, the server as many as it is told', async () => {
    await using world = await startServer(using, {
      users: ['alice', 'bob'],
      settings: { maxStreams: 22 },
    })
    const streams = await Promise.all(Array.from({ length: 20 }, () => world.sse('bob')))
    await expect(world.sse('bob')).rejects.toMatchObject({ status: 429, code: 'RATE_LIMITED' })
    await using refused = await world.ws('bob')
    await expect.poll(() => refused.failure).toBe('RATE_LIMITED')
    await using _one = await world.sse('alice')
    await using _two = await world.sse('alice')
    await expect(world.sse('alice')).rejects.toMatchObject({ status: 503, code: 'UNAVAILABLE' })
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()))
    await expect.poll(() => world.app.events.streamCount).toBe(2)
    await using _three = await world.sse('bob')
  })

  test('a thousand connects and disconnects leave nothing behind', { timeout: 60_000 }, async () => {
    await using world = await startServer(using, { users: Array.from({ length: 20 }, (_, i) => `user${i}`) })
    const round = async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const stream = i % 2 === 0 ? await world.sse(`user${i}`) : await world.ws(`user${i}`)
          await stream[Symbol.asyncDispose]()
        }),
      )
    }
    const held = () => {
      const counts = Map.groupBy(process.getActiveResourcesInfo(), (name) => name)
      return (counts.get('TCPSocketWrap')?.length ?? 0) + (counts.get('Timeout')?.length ?? 0)
    }
    await round()
    await expect.poll(() => world.app.events.streamCount).toBe(0)
    await wait(500)
    const before = held()
    for (let i = 0; i < 50; i++) await round()
    await expect.poll(() => world.app.events.streamCount).toBe(0)
    await expect.poll(held).toBeLessThanOrEqual(before)
  })
})

test('a page of somebody else’s may not open a WebSocket', async () => {
  await using world = await startServer('sqlite', {
    settings: { allowedOrigins: ['https://app.example.com'] },
  })
  const statusFor = (origin: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${world.url}/trpc`, {
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
  expect(await statusFor(`${world.url}.evil.example.com`)).toBe(403)
  expect(await statusFor('https://app.example.com')).toBe(101)
  expect(await statusFor(world.url)).toBe(101)
})
