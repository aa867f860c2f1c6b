import { eventSchema } from '@sotto/contract'
import type { Event, EventStream, EventTransport, StreamStatus } from '@sotto/sdk'
import { createClient, SottoError, webSocket } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { openTcpProxy, type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testScale } from '../../../scripts/test-scale.ts'
import { until } from './support/live.ts'
import { startProxy } from './support/proxy.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

let names = 0
async function newUser(): Promise<string> {
  names += 1
  const username = `u${names}`
  await keyed().users.create({ username, password: 'long enough' })
  return username
}

function keyed(url = server.url) {
  return createClient({ url, token: server.serviceKey })
}

/** A client whose streams waste no time. */
function eager(url: string, transport: EventTransport | undefined) {
  return createClient({ url, token: server.serviceKey, events: { transport, maxBackoffMs: 20 } })
}

/** Opens the stream, and resolves when it is connected; what comes next is the first event. */
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
  it('are those of the contract, with dates, and the same as those that are pulled', async () => {
    const [a, b] = [await newUser(), await newUser()]
    const bob = eager(server.url, transport).as(b)
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

  it('come once each and in order over a hundred connections that break anywhere', async () => {
    const CUTS = 100 * testScale
    const SENDERS = 4
    const EACH = 250 * testScale
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
    // The first connection is not broken, so that it is known when the stream begins.
    const place = (await keyed().as(b).events.pull()).cursor
    const stream = eager(proxy.url, transport)
      .as(b)
      .events({ cursor: place, onStatus: (status) => void statuses.push(status) })
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
    // Some connections break before they stand, and some stand until the last message.
    expect(proxy.broken).toBeGreaterThan(CUTS / 2)
    await proxy.until(() => proxy.open === 0)
  }, 120_000)

  it('go on where a cursor says', async () => {
    const [a, b] = [await newUser(), await newUser()]
    const bob = eager(server.url, transport).as(b)
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

  it('notice a connection that says nothing any more', async () => {
    const [a, b] = [await newUser(), await newUser()]
    await using proxy = await openTcpProxy(server.url)
    const reasons: unknown[] = []
    const bob = eager(proxy.url, transport).as(b)
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

  it('end, with their connection, when they are told to, also while one is awaited', async () => {
    const b = await newUser()
    await using proxy = await openTcpProxy(server.url)
    const bob = eager(proxy.url, transport).as(b)
    const end = [
      async (stream: EventStream) => await stream.return(),
      async (_: EventStream, controller: AbortController) => controller.abort(new Error('enough')),
    ]
    for (const way of end) {
      const controller = new AbortController()
      const { stream, first } = await connected((onStatus) =>
        bob.events({ signal: controller.signal, onStatus }),
      )
      await way(stream, controller)
      expect(await first).toEqual({ done: true, value: undefined })
      expect(await stream.next()).toEqual({ done: true, value: undefined })
    }
    const before = proxy.count
    const aborted = bob.events({ signal: AbortSignal.abort() })
    expect(await aborted.next()).toEqual({ done: true, value: undefined })
    expect(proxy.count).toBe(before)
  })

  it('end while nobody answers', async () => {
    await using proxy = await openTcpProxy(server.url)
    proxy.refuse()
    const stream = eager(proxy.url, transport).as('nobody').events()
    const first = stream.next()
    await proxy.until(() => proxy.count > 3)
    await stream.return()
    expect(await first).toMatchObject({ done: true })
  })

  it('wait in the server when they are not taken', async () => {
    const [a, b] = [await newUser(), await newUser()]
    const COUNT = 2_500
    await using proxy = await openTcpProxy(server.url)
    const bob = eager(proxy.url, transport).as(b)
    const { stream, first } = await connected((onStatus) => bob.events({ onStatus }))
    const text = 'x'.repeat(9_000)
    const senders = [a, await newUser(), await newUser(), await newUser()]
    await Promise.all(
      senders.map(async (from) => {
        for (let index = 0; index < COUNT / senders.length; index += 1) {
          await keyed().messages.send({ from, to: b, text })
        }
      }),
    )
    // 22 MB have been sent; more than what buffers on the way hold has not been read.
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

  it('ask for a fresh token each time, once more when it is refused, and then give up', async () => {
    const [a, b] = [await newUser(), await newUser()]
    const login = async () =>
      (await createClient({ url: server.url }).sessions.create({ username: b, password: 'long enough' }))
        .token
    let asked = 0
    let token = await login()
    const client = createClient({
      url: server.url,
      events: { transport, maxBackoffMs: 20 },
      token() {
        asked += 1
        return token
      },
    })
    const again = Promise.withResolvers<void>()
    const { stream, first } = await connected((onStatus) =>
      client.events({
        onStatus(status) {
          onStatus(status)
          if (status === 'connected' && asked > 1) again.resolve()
        },
      }),
    )
    expect(asked).toBe(1)
    const old = createClient({ url: server.url, token })
    token = await login()
    // Within two seconds the server ends the streams of a token that is no more.
    await old.sessions.end()
    await again.promise
    expect(asked).toBe(2)
    await keyed().messages.send({ from: a, to: b, text: 'after' })
    await first
    expect((await stream.next()).value).toMatchObject({ message: { text: 'after' } })

    const last = createClient({ url: server.url, token })
    token = 'no token of ours'
    await last.sessions.end()
    expect(await failureOf(stream)).toMatchObject({ code: 'UNAUTHENTICATED' })

    asked = 0
    expect(await failureOf(client.events())).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(asked).toBe(2)
  })

  it('fail for good for what will not pass', async () => {
    const b = await newUser()
    const client = eager(server.url, transport)
    const failures: [EventStream, string][] = [
      [client.events(), 'ACTOR_REQUIRED'],
      [client.as(b).events({ cursor: 'garbage' }), 'INVALID_CURSOR'],
      [client.as(b).events({ conversationId: 'none' }), 'CONVERSATION_NOT_FOUND'],
      [client.as(b).events({ presence: ['nobody-at-all'] }), 'USER_NOT_FOUND'],
      [client.as('Zoë').events(), 'USER_NOT_FOUND'],
      [createClient({ url: server.url, token: 'wrong', events: { transport } }).events(), 'UNAUTHENTICATED'],
    ]
    for (const [stream, code] of failures) {
      const error = await failureOf(stream)
      expect(error).toBeInstanceOf(SottoError)
      expect(error).toMatchObject({ code })
    }
  })

  it('tell of those whom one watches', async () => {
    const [a, b] = [await newUser(), await newUser()]
    await keyed().messages.send({ from: a, to: b, text: 'we know each other' })
    const client = eager(server.url, transport)
    const { stream, first } = await connected((onStatus) => client.as(b).events({ presence: [a], onStatus }))
    expect((await first).value).toMatchObject({ type: 'presence.changed', online: false, lastSeenAt: null })
    const other = await connected((onStatus) => client.as(a).events({ onStatus }))
    expect((await stream.next()).value).toMatchObject({ type: 'presence.changed', online: true })
    await Promise.all([stream.return(), other.stream.return()])
  })

  it('pass on what the token function throws before the first connection, and try again later on', async () => {
    const [a, b] = [await newUser(), await newUser()]
    await using proxy = await openTcpProxy(server.url)
    const { token } = await createClient({ url: server.url }).sessions.create({
      username: b,
      password: 'long enough',
    })
    const reason = new Error('no token today')
    let isAway = true
    const reasons: unknown[] = []
    const client = createClient({
      url: proxy.url,
      events: { transport, maxBackoffMs: 20 },
      token: () => (isAway ? Promise.reject(reason) : token),
    })
    expect(await failureOf(client.events())).toBe(reason)
    isAway = false
    const { stream, first } = await connected((onStatus) =>
      client.events({
        onStatus(status, why) {
          onStatus(status)
          if (why === reason) isAway = false
          reasons.push(why)
        },
      }),
    )
    isAway = true
    proxy.refuse()
    proxy.restore()
    await keyed().messages.send({ from: a, to: b, text: 'later' })
    await first
    expect(reasons).toContain(reason)
    await stream.return()
  })
})

describe('a WebSocket that is refused', () => {
  const problem = (status: number, code: string, headers: Record<string, string> = {}) => ({
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify({ status, code, detail: 'refused' }),
  })

  it('ends the stream where that will not pass, as for an origin that is not trusted', async () => {
    const user = await newUser()
    await using proxy = await startProxy(server.url, ({ operation }) =>
      operation === '/trpc' ? problem(403, 'FORBIDDEN') : 'pass',
    )
    const client = eager(proxy.url, webSocket()).as(user)
    expect(await failureOf(client.events())).toMatchObject({ code: 'FORBIDDEN' })
    await using live = client.conversation(user).live()
    expect(await until(live, ({ connection }) => connection === 'closed')).toMatchObject({
      error: { code: 'FORBIDDEN' },
    })
  })

  it('says why it tries again, and when it may', async () => {
    const user = await newUser()
    await using proxy = await startProxy(server.url, ({ operation }) =>
      operation === '/trpc' ? problem(429, 'RATE_LIMITED', { 'retry-after': '60' }) : 'pass',
    )
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const stop = new AbortController()
    const stream = eager(proxy.url, webSocket())
      .as(user)
      .events({ signal: stop.signal, onStatus: (_status, reason) => resolve(reason) })
    const end = failureOf(stream)
    expect(await promise).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 60_000 })
    stop.abort()
    expect(await end).toBeUndefined()
  })
})

describe('in a server of the test kit', () => {
  it('say when more was missed than the server can tell', async () => {
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

  it('follow one conversation alone when they are asked to', async () => {
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

  it('drop what comes twice', async () => {
    const block = (id: number) =>
      `id: c${id}\ndata: {"id":"${id}","type":"typing.started","conversationId":"c","at":"2026-01-31T12:00:00.000Z","userId":"u"}\n\n`
    const answers = [
      [1, 2, 2, 1],
      [2, 1, 3],
      [3, 4],
    ]
    const client = createClient({
      url: 'http://sotto.test',
      events: { maxBackoffMs: 1 },
      fetch: async () =>
        new Response(answers.shift()?.map(block).join(''), {
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

  it('stay away for as long as a server that stops asks them to', async () => {
    const answers = [
      () => new Response('id: c1\n\nretry: 40\n\n', { headers: { 'content-type': 'text/event-stream' } }),
      () => new Response('<h1>Bad gateway</h1>', { status: 502 }),
      () =>
        Response.json(
          { code: 'RATE_LIMITED', detail: 'slowly' },
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
        return answers.shift()?.() ?? new Response(null, { status: 503 })
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
