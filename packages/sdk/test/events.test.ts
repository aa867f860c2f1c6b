import { eventSchema } from '@sotto/contract'
import type { Event, EventStream, EventTransport, StreamStatus } from '@sotto/sdk'
import { createClient, SottoError, webSocket } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { openTcpProxy, type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testScale } from '../../../scripts/test-scale.ts'
import { until } from './support/live.ts'
import { problem, startProxy, toolsFor } from './support/proxy.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer('sqlite', { settings: { maxTextLength: 100_000 } })
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

const { keyed } = toolsFor(() => server)

let names = 0
async function newUser(): Promise<string> {
  names += 1
  const username = `u${names}`
  await keyed().users.create({ username, password: 'long enough' })
  return username
}

/** A client whose streams reconnect quickly. */
function clientWith(url: string, transport: EventTransport | undefined) {
  return createClient({ url, token: server.serviceKey, events: { transport, maxBackoffMs: 20 } })
}

/** Opens a stream and resolves once it is connected. `first` is the first event after that. */
async function connected(
  open: (onStatus: (status: StreamStatus) => void) => EventStream,
): Promise<{ stream: EventStream; first: Promise<IteratorResult<Event, void>> }> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stream = open((status) => {
    if (status === 'connected') resolve()
  })
  const first = stream.next()
  await Promise.race([promise, first])
  return { stream, first }
}

async function failureOf(stream: EventStream): Promise<unknown> {
  try {
    for await (const _ of stream);
  } catch (error) {
    return error
  }
  return undefined
}

const transports: [string, EventTransport | undefined][] = [
  ['Server-Sent Events', undefined],
  ['a WebSocket', webSocket()],
]
describe.each(transports)('events over %s', (_, transport) => {
  it('match the contract and the events returned by events.pull, with times as dates', async () => {
    const [a, b] = [await newUser(), await newUser()]
    const bob = clientWith(server.url, transport).as(b)
    const { cursor } = await bob.events.pull()
    const { stream, first } = await connected((onStatus) => bob.events({ onStatus }))
    const { id } = await keyed().as(a).messages.send({ to: b, text: '2026-01-31T12:00:00.000Z' })
    await keyed().as(a).messages.edit({ messageId: id, text: 'edited' })
    await bob.messages.like({ messageId: id })
    await bob.messages.delete({ messageId: (await bob.messages.send({ to: a, text: 'mine' })).id })

    const events = [(await first).value as Event]
    for await (const event of stream) {
      events.push(event)
      if (event.type === 'message.deleted') break
    }
    expect(events.map((event) => eventSchema.parse(event))).toEqual(events)
    const lasting = ({ items }: { items: Event[] }) => items.map(({ id, type }) => [id, type])
    const pulled = lasting(await bob.events.pull({ cursor, wait: 5 }))
    expect(lasting({ items: events }).slice(0, 3)).toEqual(pulled.slice(0, 3))
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['conversation.created', 'message.created', 'message.edited', 'reaction.added']),
    )
    const texts = events.map((event) => ('message' in event ? event.message.text : ''))
    expect(texts.every((text) => text === null || typeof text === 'string')).toBe(true)
  })

  it('arrive once and in order over many interrupted connections', async () => {
    const CUTS = 50 * testScale
    const SENDERS = 4
    const EACH = 125 * testScale
    let cuts = 0
    await using proxy = await openTcpProxy(server.url, {
      budget() {
        cuts += 1
        return cuts > CUTS ? undefined : 1 + Math.floor(Math.random() * 14_000)
      },
    })
    const b = await newUser()
    const senders = await Promise.all(Array.from({ length: SENDERS }, newUser))
    const statuses: StreamStatus[] = []
    // The cursor is requested over an intact connection, so the start of the stream is known.
    const cursor = (await keyed().as(b).events.pull()).cursor
    const stream = clientWith(proxy.url, transport)
      .as(b)
      .events({ cursor, onStatus: (status) => void statuses.push(status) })
    const sent = Promise.all(
      senders.map(async (from) => {
        for (let index = 1; index <= EACH; index += 1)
          await keyed().messages.send({ from, to: b, text: `${index}` })
      }),
    )
    const texts = new Map(senders.map((sender) => [sender, [] as (string | null)[]]))
    const ids = new Set<string>()
    let messages = 0
    for await (const event of stream) {
      expect(ids.has(event.id)).toBe(false)
      ids.add(event.id)
      if (event.type !== 'message.created') continue
      texts.get(event.message.sender)?.push(event.message.text)
      messages += 1
      if (messages === SENDERS * EACH) break
    }
    await sent
    const expected = Array.from({ length: EACH }, (_, index) => `${index + 1}`)
    for (const sender of senders) expect(texts.get(sender)).toEqual(expected)
    expect(statuses).not.toContain('resync')
    // Some connections break before they are established, and some last until the final message.
    expect(proxy.broken).toBeGreaterThan(CUTS / 2)
    await proxy.until(() => proxy.open === 0)
  }, 120_000)

  it('resume after a cursor', async () => {
    const [a, b] = [await newUser(), await newUser()]
    const bob = clientWith(server.url, transport).as(b)
    const { stream, first } = await connected((onStatus) => bob.events({ onStatus }))
    await keyed().messages.send({ from: a, to: b, text: '1' })
    await first
    await stream.next()
    await stream.return()
    await keyed().messages.send({ from: a, to: b, text: '2' })
    const later = bob.events({ cursor: stream.cursor })
    const texts: unknown[] = []
    for await (const event of later) {
      if (event.type !== 'message.created') continue
      texts.push(event.message.text)
      break
    }
    expect(texts).toEqual(['2'])
  })

  it('replace a connection that has gone silent', async () => {
    const [a, b] = [await newUser(), await newUser()]
    await using proxy = await openTcpProxy(server.url)
    const reasons: unknown[] = []
    const bob = clientWith(proxy.url, transport).as(b)
    const { stream, first } = await connected((onStatus) =>
      bob.events({
        silenceMs: 500,
        onStatus(status, reason) {
          onStatus(status)
          if (status === 'reconnecting') reasons.push(reason)
        },
      }),
    )
    proxy.stall()
    proxy.restore()
    await keyed().messages.send({ from: a, to: b, text: 'after the silence' })
    await first
    expect(reasons[0]).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('500 ms') })
    await stream.return()
  })

  it('end with their connection on return or abort, even while waiting', async () => {
    const b = await newUser()
    await using proxy = await openTcpProxy(server.url)
    const bob = clientWith(proxy.url, transport).as(b)
    const endings = [
      async (stream: EventStream) => await stream.return(),
      async (_: EventStream, controller: AbortController) => controller.abort(new Error('enough')),
    ]
    for (const end of endings) {
      const controller = new AbortController()
      const { stream, first } = await connected((onStatus) =>
        bob.events({ signal: controller.signal, onStatus }),
      )
      await end(stream, controller)
      expect(await first).toEqual({ done: true, value: undefined })
      expect(await stream.next()).toEqual({ done: true, value: undefined })
    }
    const before = proxy.count
    const aborted = bob.events({ signal: AbortSignal.abort() })
    expect(await aborted.next()).toEqual({ done: true, value: undefined })
    expect(proxy.count).toBe(before)
  })

  it('can be ended while the server is unreachable', async () => {
    await using proxy = await openTcpProxy(server.url)
    proxy.refuse()
    const stream = clientWith(proxy.url, transport).as('alice').events()
    const first = stream.next()
    await proxy.until(() => proxy.count > 3)
    await stream.return()
    expect(await first).toMatchObject({ done: true })
  })

  it('stay on the server until they are read', async () => {
    const [a, b] = [await newUser(), await newUser()]
    const COUNT = 320
    await using proxy = await openTcpProxy(server.url)
    const bob = clientWith(proxy.url, transport).as(b)
    const { stream, first } = await connected((onStatus) => bob.events({ onStatus }))
    const text = 'x'.repeat(70_000)
    const senders = [a, await newUser(), await newUser(), await newUser()]
    await Promise.all(
      senders.map(async (from) => {
        for (let index = 0; index < COUNT / senders.length; index += 1) {
          await keyed().messages.send({ from, to: b, text })
        }
      }),
    )
    // 22 MB have been sent. Only as much as the buffers hold may have been transferred.
    expect(proxy.bytes).toBeLessThan(12_000_000)
    let last = ((await first).value as Event).id
    let count = 0
    const seqs = new Map<string, number>()
    for await (const event of stream) {
      expect(Number(event.id)).not.toBe(Number(last))
      last = event.id
      if (event.type !== 'message.created') continue
      const { conversationId, seq } = event.message
      expect(seq).toBe((seqs.get(conversationId) ?? 0) + 1)
      seqs.set(conversationId, seq)
      count += 1
      if (count === COUNT) break
    }
    expect([...seqs.values()]).toEqual(senders.map(() => COUNT / senders.length))
  }, 60_000)

  it('request a token per connection, retry once with a fresh one if it is rejected, then fail', async () => {
    const [a, b] = [await newUser(), await newUser()]
    const signIn = async () =>
      (await createClient({ url: server.url }).sessions.create({ username: b, password: 'long enough' }))
        .token
    let tokenCalls = 0
    let token = await signIn()
    const client = createClient({
      url: server.url,
      events: { transport, maxBackoffMs: 20 },
      token() {
        tokenCalls += 1
        return token
      },
    })
    const again = Promise.withResolvers<void>()
    const { stream, first } = await connected((onStatus) =>
      client.events({
        onStatus(status) {
          onStatus(status)
          if (status === 'connected' && tokenCalls > 1) again.resolve()
        },
      }),
    )
    expect(tokenCalls).toBe(1)
    const old = createClient({ url: server.url, token })
    token = await signIn()
    // The server ends the streams of an ended session within two seconds.
    await old.sessions.end()
    await again.promise
    expect(tokenCalls).toBe(2)
    await keyed().messages.send({ from: a, to: b, text: 'after' })
    await first
    expect((await stream.next()).value).toMatchObject({ message: { text: 'after' } })

    const last = createClient({ url: server.url, token })
    token = 'invalid'
    await last.sessions.end()
    expect(await failureOf(stream)).toMatchObject({ code: 'UNAUTHENTICATED' })

    tokenCalls = 0
    expect(await failureOf(client.events())).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(tokenCalls).toBe(2)
  })

  it('fail on permanent errors', async () => {
    const b = await newUser()
    const other = await keyed().users.get({ user: await newUser() })
    const client = clientWith(server.url, transport)
    const failures: [EventStream, string][] = [
      [client.events(), 'ACTOR_REQUIRED'],
      [client.as(b).events({ cursor: 'garbage' }), 'INVALID_CURSOR'],
      [client.as(b).events({ conversationId: 'none' }), 'CONVERSATION_NOT_FOUND'],
      [client.as('Zoë').events(), 'USER_NOT_FOUND'],
      [client.as(b).forUser(other.id).events(), 'USER_MISMATCH'],
      [createClient({ url: server.url, token: 'wrong', events: { transport } }).events(), 'UNAUTHENTICATED'],
    ]
    for (const [stream, code] of failures) {
      const error = await failureOf(stream)
      expect(error).toBeInstanceOf(SottoError)
      expect(error).toMatchObject({ code })
    }
  })

  it('include the presence of watched users', async () => {
    const [a, b] = [await newUser(), await newUser()]
    await keyed().messages.send({ from: a, to: b, text: 'we know each other' })
    const client = clientWith(server.url, transport)
    const { stream, first } = await connected((onStatus) => client.as(b).events({ presence: [a], onStatus }))
    expect((await first).value).toMatchObject({ type: 'presence.changed', online: false, lastSeenAt: null })
    const other = await connected((onStatus) => client.as(a).events({ onStatus }))
    expect((await stream.next()).value).toMatchObject({ type: 'presence.changed', online: true })
    await Promise.all([stream.return(), other.stream.return()])
  })

  it('pass on an error of the token function before the first connection, and retry after it', async () => {
    const [a, b] = [await newUser(), await newUser()]
    await using proxy = await openTcpProxy(server.url)
    const { token } = await createClient({ url: server.url }).sessions.create({
      username: b,
      password: 'long enough',
    })
    const reason = new Error('no token')
    let isFailing = true
    const reasons: unknown[] = []
    const client = createClient({
      url: proxy.url,
      events: { transport, maxBackoffMs: 20 },
      token: () => (isFailing ? Promise.reject(reason) : token),
    })
    expect(await failureOf(client.events())).toBe(reason)
    isFailing = false
    const { stream, first } = await connected((onStatus) =>
      client.events({
        onStatus(status, why) {
          onStatus(status)
          if (why === reason) isFailing = false
          reasons.push(why)
        },
      }),
    )
    isFailing = true
    proxy.refuse()
    proxy.restore()
    await keyed().messages.send({ from: a, to: b, text: 'later' })
    await first
    expect(reasons).toContain(reason)
    await stream.return()
  })
})

describe('a rejected WebSocket', () => {
  it('ends the stream on a permanent error, such as an untrusted origin', async () => {
    const user = await newUser()
    await using proxy = await startProxy(server.url, ({ operation }) =>
      operation === '/trpc' ? problem(403, 'FORBIDDEN') : 'pass',
    )
    const client = clientWith(proxy.url, webSocket()).as(user)
    expect(await failureOf(client.events())).toMatchObject({ code: 'FORBIDDEN' })
    await using live = client.conversation(user).live()
    expect(await until(live, ({ connection }) => connection === 'closed')).toMatchObject({
      error: { code: 'FORBIDDEN' },
    })
  })

  it('reports why it retries, and when the server allows it', async () => {
    const user = await newUser()
    await using proxy = await startProxy(server.url, ({ operation }) =>
      operation === '/trpc' ? problem(429, 'RATE_LIMITED', { 'retry-after': '60' }) : 'pass',
    )
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const stop = new AbortController()
    const stream = clientWith(proxy.url, webSocket())
      .as(user)
      .events({ signal: stop.signal, onStatus: (_status, reason) => resolve(reason) })
    const end = failureOf(stream)
    expect(await promise).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 60_000 })
    stop.abort()
    expect(await end).toBeUndefined()
  })
})

describe('an event stream', () => {
  it('reports when more was missed than the server can replay', async () => {
    await using local = await createTestServer({
      users: ['alice', 'bob'],
      settings: { eventRetentionDays: 1 },
    })
    const bob = local.as('bob')
    await local.as('alice').messages.send({ to: 'bob', text: 'before' })
    const { cursor } = await bob.events.pull()
    local.clock.advance(25 * 60 * 60 * 1_000)
    await local.as('alice').messages.send({ to: 'bob', text: 'missed' })
    const statuses: StreamStatus[] = []
    const stream = bob.events({ cursor, onStatus: (status) => void statuses.push(status) })
    expect((await stream.next()).value).toMatchObject({ type: 'resync', conversationId: null })
    expect(statuses).toEqual(['connected', 'resync'])
    expect(stream.cursor).not.toBe(cursor)
    await local.as('alice').messages.send({ to: 'bob', text: 'after' })
    expect((await stream.next()).value).toMatchObject({ message: { text: 'after' } })
    await stream.return()
  })

  it('can be limited to one conversation', async () => {
    await using local = await createTestServer({ users: ['alice', 'bob', 'carol'] })
    const { conversationId } = await local.as('alice').messages.send({ to: 'bob', text: '1' })
    const bob = local.as('bob')
    const { stream, first } = await connected((onStatus) => bob.events({ conversationId, onStatus }))
    await local.as('carol').messages.send({ to: 'bob', text: 'elsewhere' })
    await local.as('alice').messages.send({ to: 'bob', text: '2' })
    const texts: unknown[] = []
    let event = (await first).value
    while (event) {
      if (event.type === 'message.created') texts.push(event.message.text)
      if (texts.length > 0) break
      event = (await stream.next()).value
    }
    expect(texts).toEqual(['2'])
    await stream.return()
  })

  it('drops duplicate events', async () => {
    const block = (id: number) =>
      `id: c${id}\ndata: {"id":"${id}","type":"typing.started","conversationId":"c","at":"2026-01-31T12:00:00.000Z","userId":"u"}\n\n`
    const responses = [
      [1, 2, 2, 1],
      [2, 1, 3],
      [3, 4],
    ]
    const client = createClient({
      url: 'http://sotto.test',
      events: { maxBackoffMs: 1 },
      fetch: async () =>
        new Response(responses.shift()?.map(block).join(''), {
          headers: { 'content-type': 'text/event-stream' },
        }),
    })
    const ids: string[] = []
    for await (const event of client.events()) {
      ids.push(event.id)
      if (event.id === '4') break
    }
    expect(ids).toEqual(['1', '2', '3', '4'])
  })

  it('reconnects after the time that a stopping server asks for', async () => {
    const responses = [
      () => new Response('id: c1\n\nretry: 40\n\n', { headers: { 'content-type': 'text/event-stream' } }),
      () => new Response('<h1>Bad gateway</h1>', { status: 502 }),
      () =>
        Response.json(
          { type: 'urn:sotto:error:RATE_LIMITED', code: 'RATE_LIMITED', detail: 'too many' },
          { status: 429, headers: { 'retry-after': '0' } },
        ),
      () =>
        new Response(
          'data: {"id":"1","type":"resync","conversationId":null,"at":"2026-01-31T12:00:00.000Z"}\n\n',
          { headers: { 'content-type': 'text/event-stream' } },
        ),
    ]
    const resumedFrom: unknown[] = []
    const client = createClient({
      url: 'http://sotto.test',
      events: { maxBackoffMs: 50 },
      async fetch(_, { headers }) {
        resumedFrom.push(headers['last-event-id'])
        return responses.shift()?.() ?? new Response(null, { status: 503 })
      },
    })
    const reasons: unknown[] = []
    const stream = client.events({
      onStatus: (status, reason) => void reasons.push([status, (reason as SottoError)?.code]),
    })
    expect((await stream.next()).value).toMatchObject({
      type: 'resync',
      at: new Date('2026-01-31T12:00:00.000Z'),
    })
    expect(resumedFrom).toEqual([undefined, 'c1', 'c1', 'c1'])
    expect(reasons).toEqual([
      ['connected', undefined],
      ['reconnecting', 'UNAVAILABLE'],
      ['reconnecting', 'UNAVAILABLE'],
      ['reconnecting', 'RATE_LIMITED'],
      ['connected', undefined],
      ['resync', undefined],
    ])
    await stream.return()
  })
})
