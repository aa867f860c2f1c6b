import type { Event, EventStream, EventTransport, SottoError } from '@sotto/sdk'
import { createClient, webSocket } from '@sotto/sdk'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isSettled, textsOf, until } from './support/live.ts'
import type { Action, ProxiedRequest, RunningProxy } from './support/proxy.ts'
import { toolsFor } from './support/proxy.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

const { keyed, pair, proxyWith } = toolsFor(() => server)

/** A client whose streams reconnect quickly. */
function clientWith(url: string, settings: { transport?: EventTransport; connectMs?: number } = {}) {
  return createClient({ url, token: server.serviceKey, events: { maxBackoffMs: 20, ...settings } })
}

/** Sends a message once the stream has connected, and returns the texts of the messages that it receives until then. */
async function textsUntilSent(
  open: (onStatus: (status: string) => void) => EventStream,
  [from, to]: readonly [string, string],
): Promise<unknown[]> {
  const stream = open((status) => {
    if (status === 'connected') void keyed().messages.send({ from, to, text: 'sent' })
  })
  const texts: unknown[] = []
  for await (const event of stream) {
    if (event.type !== 'message.created') continue
    texts.push(event.message.text)
    if (event.message.text === 'sent') break
  }
  return texts
}

const connections = ({ requests }: RunningProxy) =>
  requests.map(({ method, operation }) => (method === 'UPGRADE' ? 'WebSocket' : operation))

const page = (status: number, headers: Record<string, string> = {}): Action => ({
  status,
  headers: { 'content-type': 'text/html', ...headers },
  body: `<h1>${status}</h1>`,
})
const pages: Action[] = [
  ...[200, 401, 403, 404, 405, 502].map((status) => page(status)),
  { status: 403, headers: { 'content-type': 'application/json' }, body: '{"code":"FORBIDDEN"}' },
  page(503, { 'retry-after': '3600' }),
]

describe('pages of a proxy', () => {
  const transports: [string, EventTransport | undefined][] = [
    ['Server-Sent Events', undefined],
    ['a WebSocket', webSocket()],
  ]
  it.each(transports)('do not end a stream over %s', async (_, transport) => {
    const users = await pair()
    await using proxy = await proxyWith((_, index) => pages[index])
    const codes = new Set<unknown>()
    const bob = clientWith(proxy.url, transport && { transport }).as(users[1])
    const texts = await textsUntilSent((onStatus) => {
      return bob.events({
        onStatus(status, reason) {
          onStatus(status)
          if (reason) codes.add((reason as SottoError).code)
        },
      })
    }, users)
    expect(texts).toEqual(['sent'])
    expect([...codes]).toEqual(['UNAVAILABLE'])
    expect(proxy.requests.length).toBeGreaterThan(pages.length)
  })

  it('do not end a live view', async () => {
    const [a, b] = await pair()
    await keyed().messages.send({ from: a, to: b, text: '1' })
    let blocked: Action | undefined = pages[2]
    let count = 0
    await using proxy = await proxyWith(() => {
      count += 1
      if (count > 8) blocked = undefined
      return blocked
    })
    await using live = clientWith(proxy.url).as(b).conversation(a).live()
    const connections = new Set<string>()
    live.subscribe(() => connections.add(live.state.connection))
    await until(live, isSettled(1))
    live.send('2')
    expect(textsOf(await until(live, isSettled(2)))).toEqual(['1', '2'])
    // The page returns while the view is open.
    blocked = page(404)
    count = 0
    live.send('3')
    expect(textsOf(await until(live, isSettled(3)))).toEqual(['1', '2', '3'])
    expect(connections).not.toContain('closed')
  })
})

describe('a proxy that holds streams back', () => {
  const held = ({ operation }: ProxiedRequest) => operation === '/v1/events'

  it('is avoided with a WebSocket, which later streams of the page start with', async () => {
    const users = await pair()
    await using proxy = await proxyWith((request) => (held(request) ? 'hold the response' : undefined))
    const bob = () => clientWith(proxy.url, { connectMs: 1_500 }).as(users[1])
    expect(await textsUntilSent((onStatus) => bob().events({ onStatus }), users)).toEqual(['sent'])
    expect(connections(proxy)).toEqual(['/v1/events', '/v1/events/pull', 'WebSocket'])
    proxy.requests.length = 0
    expect(await textsUntilSent((onStatus) => bob().events({ onStatus }), users)).toEqual(['sent'])
    expect(connections(proxy)).toEqual(['/v1/events/pull', 'WebSocket'])
  })

  const refusals: [string, Action][] = [
    ['drops WebSockets', 'break'],
    ['leaves WebSockets unanswered', 'hang'],
    ['rejects WebSockets with a page', page(403)],
  ]
  it.each(refusals)('and %s is avoided with long polling', async (_, refusal) => {
    const users = await pair()
    await using proxy = await proxyWith((request) => {
      if (held(request)) return 'hold the response'
      return request.method === 'UPGRADE' ? refusal : undefined
    })
    const bob = () => clientWith(proxy.url, { connectMs: 300 }).as(users[1])
    expect(await textsUntilSent((onStatus) => bob().events({ onStatus }), users)).toEqual(['sent'])
    expect(connections(proxy).at(-1)).toBe('/v1/events/pull')
    proxy.requests.length = 0
    expect(await textsUntilSent((onStatus) => bob().events({ onStatus }), users)).toEqual(['sent'])
    expect(new Set(connections(proxy))).toEqual(new Set(['/v1/events/pull']))
  })

  it('is not avoided if the transport was chosen', async () => {
    const users = await pair()
    await using proxy = await proxyWith(({ method }) => (method === 'UPGRADE' ? 'break' : undefined))
    const stop = new AbortController()
    const stream = clientWith(proxy.url, { transport: webSocket() })
      .as(users[1])
      .events({
        signal: stop.signal,
        onStatus: (status) => expect(status).toBe('reconnecting'),
      })
    const first = stream.next()
    await vi.waitUntil(() => connections(proxy).filter((name) => name === 'WebSocket').length > 3, 10_000)
    stop.abort()
    expect(await first).toMatchObject({ done: true })
    expect(connections(proxy)).not.toContain('/v1/events')
  })
})

describe('long polling', () => {
  /** A proxy that lets nothing else through. */
  const pollingProxy = (decide: (index: number) => Action | undefined = () => undefined) => {
    let count = 0
    return proxyWith(({ operation, method }) => {
      if (method === 'UPGRADE') return 'break'
      if (operation === '/v1/events') return 'hang'
      count += 1
      return decide(count)
    })
  }

  it('receives every event once and in order', async () => {
    const [a, b] = await pair()
    const COUNT = 40
    const cuts = new Set([1, 4, 5, 9])
    await using proxy = await pollingProxy((count) => (cuts.has(count) ? 'lose the response' : undefined))
    const bob = clientWith(proxy.url, { connectMs: 100 }).as(b)
    const { promise, resolve } = Promise.withResolvers<void>()
    const stream = bob.events({ onStatus: (status) => void (status === 'connected' && resolve()) })
    const first = stream.next()
    await promise
    const sent = (async () => {
      for (let index = 1; index <= COUNT; index += 1) {
        await keyed().messages.send({ from: a, to: b, text: `${index}` })
      }
    })()
    const events = [(await first).value as Event]
    for await (const event of stream) {
      events.push(event)
      if (event.type === 'message.created' && event.message.text === `${COUNT}`) break
    }
    await sent
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
    const texts = events.flatMap((event) => (event.type === 'message.created' ? event.message.text : []))
    expect(texts).toEqual(Array.from({ length: COUNT }, (_, index) => `${index + 1}`))
    expect(events.every(({ at }) => at instanceof Date)).toBe(true)
  })

  it('can be limited to one conversation, and resumes after a cursor', async () => {
    const [a, b] = await pair()
    const [c] = await pair()
    await using proxy = await pollingProxy()
    const { conversationId } = await keyed().messages.send({ from: a, to: b, text: '1' })
    const bob = clientWith(proxy.url, { connectMs: 100 }).as(b)
    const { cursor } = await bob.events.pull()
    await keyed().messages.send({ from: c, to: b, text: 'elsewhere' })
    await keyed().messages.send({ from: a, to: b, text: '2' })
    const texts: unknown[] = []
    for await (const event of bob.events({ conversationId, cursor })) {
      expect(event.conversationId).toBe(conversationId)
      if (event.type === 'message.created') texts.push(event.message.text)
      if (texts.length > 0) break
    }
    expect(texts).toEqual(['2'])
    await expect(bob.events({ cursor: 'garbage' }).next()).rejects.toMatchObject({ code: 'INVALID_CURSOR' })
  })
})

describe("the page's own fetch", () => {
  it('is never called as a method, which browsers reject', async () => {
    const users = await pair()
    function ownFetch(this: unknown, url: string, init: RequestInit): Promise<Response> {
      if (this !== undefined && this !== globalThis) throw new TypeError('Illegal invocation')
      return fetch(url, init)
    }
    const transports: (EventTransport | undefined)[] = [undefined, webSocket()]
    for (const transport of transports) {
      const client = createClient({
        url: server.url,
        token: server.serviceKey,
        fetch: ownFetch,
        events: { transport },
      })
      await client.users.list()
      const bob = client.as(users[1])
      expect(await textsUntilSent((onStatus) => bob.events({ onStatus }), users)).toEqual(['sent'])
    }
  })
})
