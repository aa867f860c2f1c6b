import type { AppRouter } from '@sotto/contract'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  TRPCClientError,
  type TRPCLink,
} from '@trpc/client'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTrpcAdapter } from './trpc-adapter.ts'

/* Calls over HTTP have the answers of tRPC's own adapter, which serves the same router and data here. */

let server: RunningServer
let adapter: Awaited<ReturnType<typeof startTrpcAdapter>>
let conversationId: string
beforeAll(async () => {
  server = await startServer('sqlite', { users: ['alice', 'bob'] })
  adapter = await startTrpcAdapter(server)
  const sent = await server.send('alice', 'bob', 'first')
  conversationId = sent.conversationId
  // Delivered and read, so that the page has more dates.
  await server.call('bob', 'GET', `/v1/conversations/${conversationId}/messages`)
  await server.call('bob', 'POST', `/v1/conversations/${conversationId}/read`, { seq: 1 })
})
afterAll(async () => {
  await adapter[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const jsonl = { 'trpc-accept': 'application/jsonl' }
const json = { 'content-type': 'application/json' }
const get = (names: string, inputs?: unknown, more = '') =>
  `GET /trpc/${names}?${inputs === undefined ? '' : `input=${encodeURIComponent(JSON.stringify(inputs))}`}${more}`
const bob = { json: { user: 'bob' } }
const nobody = { json: { user: 'nobody' } }
const send = (text: unknown) => ({ json: { to: 'bob', text, clientMessageId: `the message ${text}` } })
const many = (name: string, count: number) => Array(count).fill(name).join()

interface Sent {
  headers?: Record<string, string>
  body?: string
}

async function answerOf(url: string, line: string, { headers, body }: Sent) {
  const [method = '', path = ''] = line.split(' ')
  const response = await fetch(url + path, {
    method,
    headers: {
      ...server.headers('alice'),
      'x-request-id': 'the-request',
      'accept-encoding': 'identity',
      ...headers,
    },
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  const shown = ['allow', 'retry-after', 'vary'].map((name) => [name, response.headers.get(name)])
  return { status: response.status, headers: Object.fromEntries(shown), body: bodyIn(text) }
}

/** A body of several lines has no single JSON value. The clients below compare their contents. */
function bodyIn(text: string): unknown {
  const [first = '', second] = text.split('\n')
  return first && JSON.parse(second === undefined ? text : first)
}

describe('a request has the same status, headers and body', () => {
  test.each<[line: string, sent?: Sent]>([
    [get('users.get', bob)],
    [get('users.get', nobody)],
    [get('users.list')],
    [get('users.list', { json: {} })],
    [get('setup.get')],
    [get('users.nothing', bob)],
    [get('toString')],
    [get('messages.__proto__')],
    ['GET /trpc/'],
    ['GET /trpc/users.list?input='],
    ['GET /trpc/users.list?input=%7B'],
    ['GET /trpc/users.list?input=1'],
    ['GET /trpc/users.list?input=null'],
    ['GET /trpc/users.list?input=%7B%22json%22%3A%7B%7D%7D&input=2'],
    ['GET /trpc/users%2Elist'],
    ['GET /trpc/users%252Elist'],
    ['GET /trpc/users%25.list'],
    [get('users.list', { json: { limit: 0 } })],
    [get('users.list', { json: { wonders: 1 } })],
    [get('users.list', { json: {}, meta: { values: { x: ['map'] } } })],
    [
      get('messages.list', {
        json: { since: '2020-01-01T00:00:00.000Z' },
        meta: { values: { since: ['Date'] } },
      }),
    ],
    [get('messages.send', send('by GET'))],
    ['GET /trpc/users.get', { headers: { authorization: 'Bearer sk_wrong' } }],
    [get('users.get,users.get', { 0: bob }, '&batch=1'), { headers: { authorization: 'Bearer sk_wrong' } }],
    [get('users.list', { json: {} }), { headers: { 'act-as': 'nobody' } }],
    [get('users.me', { json: {} }), { headers: { 'expected-user': 'bob' } }],
    // Batches.
    [get('users.get,users.get', { 0: bob, 1: bob }, '&batch=1')],
    [get('users.get', { 0: bob }, '&batch=1')],
    [get('users.get', bob, '&batch=0')],
    [get('users.get', { 0: bob }, '&batch=1&batch=0')],
    [get('users.get,users.get', { 0: bob }, '&batch=1')],
    [get('users.get,users.get', { 0: bob, 1: nobody }, '&batch=1')],
    [get('users.get,users.get', { 0: nobody, 1: nobody }, '&batch=1')],
    [get('users.get,users.nothing', { 0: bob }, '&batch=1')],
    [get('users.get,', { 0: bob }, '&batch=1')],
    [get('users.get,users.get', { 0: bob, 1: 1 }, '&batch=1')],
    [get('users.get,users.get', { 0: bob, 1: { json: {}, meta: 1 } }, '&batch=1')],
    [get('users.get,users.get', [bob, bob], '&batch=1')],
    [get('users.get,users.get', 'text', '&batch=1')],
    [get('users.get,users.get', null, '&batch=1')],
    [get('users.get,users.get', undefined, '&batch=1')],
    ['GET /trpc/users.get,users.get?batch=1&input=%7B'],
    [get('users.get,users.get', { 0: bob })],
    [get(many('users.me', 20), {}, '&batch=1')],
    [get(many('users.me', 21), {}, '&batch=1')],
    [get('users.get,messages.send', { 0: bob, 1: send('x') }, '&batch=1')],
    [get('messages.send,messages.send', { 0: send('x') }, '&batch=1')],
    [get('users.get,events.stream', { 0: bob }, '&batch=1')],
    [get('events.stream', {}, '&batch=1')],
    [get('users.get', bob), { headers: jsonl }],
    [get('users.get', bob), { headers: { accept: 'text/html, application/jsonl' } }],
    [get('users.get', bob), { headers: { 'trpc-accept': 'text/html', accept: 'application/jsonl' } }],
    [get(many('users.me', 21), {}, '&batch=1'), { headers: jsonl }],
    [get('users.me', {}, '&batch=1'), { headers: { ...jsonl, authorization: 'Bearer sk_wrong' } }],
    // Bodies and methods.
    ['POST /trpc/messages.send', { headers: json, body: JSON.stringify(send('a')) }],
    [
      'POST /trpc/messages.send',
      { headers: { 'content-type': 'Application/JSON; charset=utf-8' }, body: JSON.stringify(send('a')) },
    ],
    ['POST /trpc/messages.send', { headers: json, body: JSON.stringify(send(1)) }],
    ['POST /trpc/messages.send', { headers: json, body: '{"json":' }],
    ['POST /trpc/messages.send', { headers: json, body: '{"json":{"__proto__":{}}}' }],
    ['POST /trpc/messages.send', { headers: json, body: '' }],
    ['POST /trpc/messages.send', {}],
    ['POST /trpc/messages.send?input=1', { headers: json, body: JSON.stringify(send('a')) }],
    [
      'POST /trpc/messages.send,messages.send?batch=1',
      { headers: json, body: JSON.stringify({ 0: send('b'), 1: { json: {} } }) },
    ],
    ['POST /trpc/sessions.end', { headers: json, body: '{"json":{}}' }],
    ['POST /trpc/users.list', { headers: json, body: '{"json":{}}' }],
    ['POST /trpc/users.get,users.get?batch=1', { headers: json, body: JSON.stringify({ 0: bob, 1: bob }) }],
    ['POST /trpc/nothing', { headers: json, body: '{}' }],
    ['PUT /trpc/messages.send', { headers: json, body: '{}' }],
    ['PUT /trpc/messages.send', {}],
    ['PATCH /trpc/users.list', { headers: json, body: '{}' }],
    ['DELETE /trpc/users.list', {}],
    ['HEAD /trpc/users.list', {}],
    ['HEAD /trpc/nothing', {}],
  ])('%s %j', async (line, sent = {}) => {
    const ours = await answerOf(server.url, line, sent)
    expect(ours).toEqual(await answerOf(adapter.url, line, sent))
    expect(ours.status).not.toBe(500)
  })

  test('an operation without output', async () => {
    const body = JSON.stringify({ json: { conversationId, typing: false } })
    const sent = { headers: json, body }
    const ours = await answerOf(server.url, 'POST /trpc/conversations.typing', sent)
    expect(ours.status).toBe(200)
    expect(ours).toEqual(await answerOf(adapter.url, 'POST /trpc/conversations.typing', sent))
  })

  test('a page with dates, which are annotated in the same way', async () => {
    const line = get('conversations.messages', { json: { conversationId } })
    const ours = await answerOf(server.url, line, {})
    expect(ours.body).toMatchObject({
      result: { data: { meta: { values: { 'items.0.createdAt': ['Date'] } } } },
    })
    expect(ours).toEqual(await answerOf(adapter.url, line, {}))
  })
})

test.each([
  ['GET', '/trpc/events.stream?input=%7B%22json%22%3A%7B%7D%7D', 'text/event-stream'],
  ['POST', '/trpc/events.stream', 'text/event-stream'],
])('a stream is served by tRPC: %s %s', async (method, path, type) => {
  const closing = new AbortController()
  const response = await server.fetch(path, {
    method,
    headers: { ...server.headers('alice'), ...(method === 'POST' && json) },
    signal: closing.signal,
  })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
  closing.abort()
})

test("errors of a whole request have JSON's content type", async () => {
  const response = await server.fetch(`/trpc/${many('users.me', 21)}?batch=1`)
  expect(response.headers.get('content-type')).toMatch(/^application\/json\b/)
})

type Link = (url: string) => TRPCLink<AppRouter>
const options = (url: string) => ({
  url: `${url}/trpc`,
  transformer: superjson,
  headers: { ...server.headers('alice'), 'x-request-id': 'the-request' },
})

describe.each<[string, Link]>([
  ['httpLink', (url) => httpLink(options(url))],
  ['httpLink with POST for queries', (url) => httpLink({ ...options(url), methodOverride: 'POST' })],
  ['httpBatchLink', (url) => httpBatchLink(options(url))],
  ['httpBatchStreamLink', (url) => httpBatchStreamLink(options(url))],
  [
    'httpBatchStreamLink with accept',
    (url) => httpBatchStreamLink({ ...options(url), streamHeader: 'accept' }),
  ],
])("tRPC's %s", (_, link) => {
  const resultsOf = async (url: string) => {
    const client = createTRPCClient<AppRouter>({ links: [link(url)] })
    const unknown = client as unknown as { users: { nothing: { query(): Promise<unknown> } } }
    const changed = await Promise.allSettled([
      client.messages.send.mutate({ to: 'bob', text: 'x', clientMessageId: 'x' }),
      client.messages.send.mutate({ to: 'nobody', text: 'x' }),
      // Has no output.
      client.conversations.typing.mutate({ conversationId, typing: false }),
    ])
    const settled = await Promise.allSettled([
      client.conversations.messages.query({ conversationId }),
      client.users.get.query({ user: 'bob' }),
      client.users.get.query({ user: 'nobody' }),
      client.users.list.query({ limit: 0 }),
      unknown.users.nothing.query(),
      client.messages.list.query({ since: new Date(0) }),
    ])
    return [...changed, ...settled].map((result) => {
      if (result.status === 'fulfilled') return result.value
      if (!(result.reason instanceof TRPCClientError)) throw result.reason
      const { message, data, shape } = result.reason
      return { message, data, shape }
    })
  }

  test('receives the same results and errors', async () => {
    const ours = await resultsOf(server.url)
    expect(ours).toEqual(await resultsOf(adapter.url))
    expect(ours).toHaveLength(9)
  })
})

test('a streamed batch sends each result once it is known', async () => {
  const client = createTRPCClient<AppRouter>({ links: [httpBatchStreamLink(options(server.url))] })
  const { cursor } = (await client.events.pull.query({})) as { cursor: string }
  const order: string[] = []
  const waiting = client.events.pull.query({ cursor, wait: 20 }).then(() => order.push('event'))
  await client.users.me.query({}).then(() => order.push('user'))
  await server.send('bob', 'alice', 'news')
  await waiting
  expect(order).toEqual(['user', 'event'])
})
