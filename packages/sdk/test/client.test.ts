import { getEventListeners } from 'node:events'
import type { EventTransport } from '@sotto/sdk'
import { createClient, SottoError, webSocket } from '@sotto/sdk'
import type { AppRouter } from '@sotto/sdk/trpc'
import { links } from '@sotto/sdk/trpc'
import { failureOf, type RunningServer, startServer } from '@sotto/testing/internal'
import { createTRPCClient } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Action, ProxiedRequest, RunningProxy } from './support/proxy.ts'
import { problem, startProxy, toolsFor } from './support/proxy.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

const { keyed, pair, proxyWith } = toolsFor(() => server)

function operations({ requests }: RunningProxy): string[] {
  return requests.map(({ operation }) => operation)
}

describe('calls', () => {
  it('send and read messages, with times as dates', async () => {
    const [a, b] = await pair()
    const sent = await keyed().as(a).messages.send({ to: b, text: 'hello' })
    expect(sent).toMatchObject({ seq: 1, sender: a, kind: 'text', text: 'hello' })
    expect(sent.createdAt).toBeInstanceOf(Date)
    const received = await keyed().as(b).messages.get({ messageId: sent.id })
    expect(received).toEqual({ ...sent, clientMessageId: null, deliveredAt: received.deliveredAt })
  })

  it('accept a token, a token function or a password', async () => {
    const [a, b] = await pair()
    const { token } = await createClient({ url: server.url }).sessions.create({
      username: a,
      password: 'long enough',
    })
    let tokenCalls = 0
    const getToken = async () => {
      tokenCalls += 1
      return await Promise.resolve(token)
    }
    const clients = [
      createClient({ url: server.url, token }),
      createClient({ url: server.url, token: getToken }),
      createClient({ url: `${server.url}/`, basic: { username: a, password: 'long enough' } }),
    ]
    for (const client of clients) await client.direct.send({ user: b, text: 'hi' })
    expect((await clients[1]?.direct.messages({ user: b }))?.items).toHaveLength(3)
    expect(tokenCalls).toBe(2)
  })

  it('accept the same date for two fields', async () => {
    const [a, b] = await pair()
    const { createdAt } = await keyed().as(a).messages.send({ to: b, text: 'now' })
    const { items } = await keyed().messages.between([a, b], { since: createdAt, until: createdAt })
    expect(items).toEqual([])
  })

  it('send the given request id', async () => {
    const error = await failureOf(keyed().messages.get({ messageId: 'none' }, { requestId: 'req-1' }))
    expect(error.requestId).toBe('req-1')
  })

  it('resolve with undefined if the operation returns nothing', async () => {
    const [username] = await pair()
    const session = await createClient({ url: server.url }).sessions.create({
      username,
      password: 'long enough',
    })
    expect(await createClient({ url: server.url, token: session.token }).sessions.end()).toBeUndefined()
  })

  it('require a URL with a scheme, or a page that an address without a host refers to', () => {
    expect(() => createClient({ url: 'localhost:1337' })).toThrow(TypeError)
    try {
      for (const url of ['', '/', '/chat']) {
        for (const create of [createClient, links]) {
          vi.unstubAllGlobals()
          expect(() => create({ url })).toThrow(/^url must start with http.* outside a web page, not "/)
          vi.stubGlobal('location', new URL('file:///index.html'))
          expect(() => create({ url })).toThrow(/^url must start with http/)
          vi.stubGlobal('location', new URL('https://app.example.com/inbox'))
          expect(create({ url })).toBeDefined()
        }
      }
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('require fetch, and a WebSocket where one is asked for', () => {
    try {
      vi.stubGlobal('fetch', undefined)
      vi.stubGlobal('WebSocket', undefined)
      const { url } = server
      for (const create of [createClient, links])
        expect(() => create({ url })).toThrow(/^fetch is required .* createClient\(\{ fetch \}\)$/)
      expect(() => webSocket()).toThrow(/^WebSocket is required .* webSocket\(\{ WebSocket \}\)$/)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('send the password of any characters', async () => {
    const password = 'pâsswörd: 密码 🔑'
    await keyed().users.create({ username: 'basic', password })
    for (const username of ['basic', 'Basic']) {
      const client = createClient({ url: server.url, basic: { username, password } })
      expect(await client.users.me()).toMatchObject({ username: 'basic' })
    }
  })

  it('work with a plain tRPC client over the same links', async () => {
    const [a, b] = await pair()
    await using proxy = await proxyWith(['lose the response'])
    const trpc = createTRPCClient<AppRouter>({ links: links({ url: proxy.url, token: server.serviceKey }) })
    const sent = await trpc.messages.send.mutate({ from: a, to: b, text: 'once' })
    expect(sent.seq).toBe(1)
    const inbox = await trpc.conversations.list.query({}, { context: { actAs: b } })
    expect(inbox.items.map(({ unreadCount }) => unreadCount)).toEqual([1])
    const error = await trpc.messages.get.query({ messageId: 'none' }).catch((error: unknown) => error)
    expect(error).toMatchObject({ data: { code: 'MESSAGE_NOT_FOUND', httpStatus: 404 } })
  })
})

describe('lists', () => {
  it('return a page when awaited and every item when iterated', async () => {
    const [a, b] = await pair()
    const texts = ['1', '2', '3', '4', '5']
    for (const text of texts) await keyed().as(a).messages.send({ to: b, text })
    const newestFirst = texts.toReversed()

    const list = keyed().messages.between([a, b], { limit: 2 })
    const page = await list
    expect(page.items.map(({ text }) => text)).toEqual(['5', '4'])
    expect(page.nextCursor).not.toBeNull()

    const iterated: unknown[] = []
    for await (const message of list) iterated.push(message.text)
    expect(iterated).toEqual(newestFirst)

    const pages: unknown[] = []
    for await (const { items } of list.pages()) pages.push(items.map(({ text }) => text))
    expect(pages).toEqual([['5', '4'], ['3', '2'], ['1']])

    const oldestFirst: unknown[] = []
    for await (const { text } of keyed().as(b).direct.messages({ user: a, after: 1, limit: 2 })) {
      oldestFirst.push(text)
    }
    expect(oldestFirst).toEqual(['2', '3', '4', '5'])
  })

  it('continue after a numbered page', async () => {
    const [a, b] = await pair()
    for (const text of ['1', '2', '3', '4', '5']) await keyed().as(a).messages.send({ to: b, text })
    const pages: unknown[] = []
    for await (const { items } of keyed().messages.between([a, b], { page: 2, pageSize: 2 }).pages()) {
      pages.push(items.map(({ text }) => text))
    }
    expect(pages).toEqual([['3', '2'], ['1']])
  })

  it('send no request before they are read, and one when awaited', async () => {
    await using proxy = await proxyWith([])
    const list = keyed(proxy.url).users.list()
    expect(proxy.requests).toHaveLength(0)
    expect(await list).toBe(await list)
    expect(proxy.requests).toHaveLength(1)
  })

  it('fail like any other call', async () => {
    expect(await failureOf(keyed().conversations.list())).toMatchObject({ code: 'ACTOR_REQUIRED' })
    await expect(keyed().conversations.list().pages().next()).rejects.toThrow(SottoError)
  })
})

describe('errors', () => {
  it('have a code, a status and issues', async () => {
    const [a, b] = await pair()
    const error = await failureOf(keyed().as(a).messages.send({ to: b, text: '' }))
    expect(error).toMatchObject({ name: 'SottoError', code: 'INVALID_INPUT', status: 400, retryable: false })
    expect(error.issues).toEqual([{ path: 'text', message: expect.any(String) }])
    expect(error.requestId).toEqual(expect.any(String))
  })

  it('report invalid credentials', async () => {
    const stranger = createClient({ url: server.url, token: 'sk_wrong' })
    expect(await failureOf(stranger.users.list())).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
  })

  it('of the token function are passed on', async () => {
    const reason = new Error('no token')
    const client = createClient({ url: server.url, token: () => Promise.reject(reason) })
    await expect(client.users.list().then()).rejects.toBe(reason)
  })

  it('are USER_NOT_FOUND for names that a header cannot carry', async () => {
    for (const user of ['', 'Zoë', 'a b']) {
      expect(await failureOf(keyed().as(user).users.list())).toMatchObject({ code: 'USER_NOT_FOUND' })
    }
  })

  it('are permanent for a token that is not a valid header value', async () => {
    const client = createClient({ url: server.url, token: 'ключ' })
    await expect(client.users.list().then()).rejects.toThrow(TypeError)
  })

  it('are UNAVAILABLE for responses that are not from a Sotto server', async () => {
    const html = { headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' }
    const expected: [Action, object][] = [
      [
        { status: 502, ...html },
        { code: 'UNAVAILABLE', message: expect.stringContaining('502') },
      ],
      [
        { status: 200, ...html },
        { code: 'UNAVAILABLE', message: expect.stringContaining('200') },
      ],
      [{ status: 413, ...html }, { code: 'PAYLOAD_TOO_LARGE' }],
      [{ status: 429, ...html }, { code: 'RATE_LIMITED' }],
      ...[401, 403, 404, 405, 415, 431, 500].map((status): [Action, object] => [
        { status, ...html },
        { code: 'UNAVAILABLE', retryable: true, message: expect.stringContaining(String(status)) },
      ]),
      // The JSON of gateways.
      ...[
        '',
        '{"message":"Not Found"}',
        '{"error":{"code":404,"message":"Not found","status":"NOT_FOUND"}}',
        '{"code":"FORBIDDEN","message":"no"}',
        '{"result":"ok"}',
        '{"result":{"data":"ok"}}',
      ].map((body): [Action, object] => [{ status: 404, body }, { code: 'UNAVAILABLE' }]),
      [
        problem(413, 'PAYLOAD_TOO_LARGE'),
        { code: 'PAYLOAD_TOO_LARGE', message: 'rejected', requestId: 'r1' },
      ],
      [problem(403, 'ADDED_LATER'), { code: 'FORBIDDEN', message: 'rejected', requestId: 'r1' }],
    ]
    for (const [action, error] of expected) {
      await using proxy = await startProxy(server.url, () => action)
      const client = createClient({ url: proxy.url, token: server.serviceKey, retries: 0 })
      expect(await failureOf(client.users.get({ user: 'secret' }))).toMatchObject(error)
      expect((await failureOf(client.users.get({ user: 'secret' }))).message).not.toContain('secret')
    }
  })

  it('name the origin of the page if the server may have refused it', async () => {
    // Browsers report a refused origin like a server that cannot be reached.
    const fetch = () => Promise.reject(new TypeError('Failed to fetch'))
    const sotto = createClient({ url: 'https://chat.example.com', token: 'st_x', retries: 0, fetch })
    const streamFailure = async (transport?: EventTransport) => {
      const closing = new AbortController()
      let reason: unknown
      const onStatus = (_: string, error: unknown) => {
        reason ??= error
        closing.abort()
      }
      for await (const _ of sotto.as('alice').events({ onStatus, transport, signal: closing.signal })) break
      return String(reason)
    }
    const messages = async () => [
      (await failureOf(sotto.users.list())).message,
      await streamFailure(),
      await streamFailure(webSocket()),
    ]
    for (const message of await messages()) expect(message).not.toContain('SOTTO_ALLOWED_ORIGINS')
    try {
      vi.stubGlobal('location', new URL('https://app.example.com/inbox'))
      for (const message of await messages()) {
        expect(message).toMatch(
          /cannot be reached: .* SOTTO_ALLOWED_ORIGINS includes https:\/\/app\.example\.com$/,
        )
      }
      vi.stubGlobal('location', new URL('https://chat.example.com/'))
      for (const message of await messages()) expect(message).not.toContain('SOTTO_ALLOWED_ORIGINS')
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('are UNAVAILABLE if nothing is listening', async () => {
    const proxy = await proxyWith([])
    await proxy[Symbol.asyncDispose]()
    const error = await failureOf(keyed(proxy.url).users.list())
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true, requestId: undefined })
    expect(error.cause).toBeInstanceOf(Error)
  })
})

describe('retries', () => {
  it('create one message if the response of a send is lost', async () => {
    const [a, b] = await pair()
    await using proxy = await proxyWith(['lose the response', 'break', { status: 502 }])
    const sent = await keyed(proxy.url).as(a).messages.send({ to: b, text: 'once' })
    expect(proxy.requests).toHaveLength(4)
    expect(new Set(proxy.requests.map(({ body }) => body)).size).toBe(1)
    const { items } = await keyed().messages.between([a, b])
    expect(items.map(({ id }) => id)).toEqual([sent.id])
  })

  it('create one group if the response is lost', async () => {
    const [a, b] = await pair()
    await using proxy = await proxyWith(['lose the response', 'break'])
    const { create } = keyed(proxy.url).as(a).conversations
    const { id } = await create({ name: 'Once', participants: [b] })
    expect(proxy.requests).toHaveLength(3)
    const { items } = await keyed().as(a).conversations.list()
    expect(items.map((group) => group.id)).toEqual([id])
    expect((await create({ name: 'Once', participants: [b] })).id).not.toBe(id)
  })

  it('keep a given clientMessageId', async () => {
    const [a, b] = await pair()
    const message = { to: b, text: 'mine', clientMessageId: 'given' }
    const first = await keyed().as(a).messages.send(message)
    expect(first.clientMessageId).toBe('given')
    expect(await keyed().as(a).messages.send(message)).toEqual(first)
  })

  it('are not attempted for an operation that is not idempotent', async () => {
    await using proxy = await proxyWith(['lose the response'])
    const error = await failureOf(keyed(proxy.url).users.create({ username: 'only-once' }))
    expect(error.code).toBe('UNAVAILABLE')
    expect(operations(proxy)).toEqual(['users.create'])
  })

  it('are not attempted after a permanent error', async () => {
    await using proxy = await proxyWith([])
    await failureOf(keyed(proxy.url).users.get({ user: 'unknown-user' }))
    expect(proxy.requests).toHaveLength(1)
  })

  it('stop after the given number', async () => {
    await using proxy = await startProxy(server.url, () => 'break')
    const client = createClient({ url: proxy.url, token: server.serviceKey, retries: 1 })
    await failureOf(client.users.list())
    expect(proxy.requests).toHaveLength(2)
  })

  it('wait as long as the server asks', async () => {
    await using proxy = await proxyWith([{ status: 429, headers: { 'retry-after': '1' } }])
    const startedAt = performance.now()
    await keyed(proxy.url).users.list()
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000)
    expect(proxy.requests).toHaveLength(2)
  })
})

describe('a call', () => {
  it.each([[new Error('enough')], ['text'], [null]])(
    'rejects with the reason of its signal: %s',
    async (reason) => {
      await using proxy = await startProxy(server.url, () => 'hang')
      const controller = new AbortController()
      const call = keyed(proxy.url).users.list({}, { signal: controller.signal }).then()
      setTimeout(() => controller.abort(reason), 50)
      await expect(call).rejects.toBe(reason)

      const before = proxy.requests.length
      const late = keyed(proxy.url)
        .users.list({}, { signal: AbortSignal.abort(reason) })
        .then()
      await expect(late).rejects.toBe(reason)
      expect(proxy.requests).toHaveLength(before)
    },
  )

  it('removes its listeners from a signal that outlives it', async () => {
    const [a, b] = await pair()
    const longLived = new AbortController()
    const client = keyed().as(a)
    for (let batch = 0; batch < 10; batch += 1) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          // Half of the calls are aborted by their own signal.
          const own = new AbortController()
          const signal = index % 2 === 0 ? own.signal : longLived.signal
          const call = client.messages.send({ to: b, text: `${index}` }, { signal })
          own.abort()
          await call.catch(() => {})
          expect(getEventListeners(own.signal, 'abort')).toEqual([])
        }),
      )
    }
    expect(getEventListeners(longLived.signal, 'abort')).toEqual([])
  }, 60_000)

  it('can share a signal with a hundred others', async () => {
    const warnings: Error[] = []
    const warn = (warning: Error) => void warnings.push(warning)
    process.on('warning', warn)
    const { signal } = new AbortController()
    const client = keyed()
    await Promise.all(Array.from({ length: 100 }, () => client.users.list({}, { signal }).then()))
    expect(getEventListeners(signal, 'abort')).toEqual([])
    process.off('warning', warn)
    expect(warnings).toEqual([])
  })

  it('is repeated on a new connection if an attempt hangs', async () => {
    const [a, b] = await pair()
    await using proxy = await startProxy(server.url, (_, index) => (index < 2 ? 'hang' : 'pass'))
    const sent = await keyed(proxy.url).as(a).messages.send({ to: b, text: 'once' }, { timeoutMs: 4_000 })
    expect(proxy.requests).toHaveLength(3)
    expect((await keyed().messages.between([a, b])).items.map(({ id }) => id)).toEqual([sent.id])
  })

  it('waits for a hanging attempt if it cannot be repeated', async () => {
    const held = Promise.withResolvers<Action>()
    await using proxy = await startProxy(server.url, () => held.promise)
    const created = keyed(proxy.url).users.create({ username: 'held' }, { timeoutMs: 4_000 })
    setTimeout(() => held.resolve('pass'), 2_500)
    expect(await created).toMatchObject({ username: 'held' })
    expect(proxy.requests).toHaveLength(1)
  })
})

describe('sends', () => {
  const textOf = ({ body }: ProxiedRequest) => /"text":"([^"]*)"/.exec(body)?.[1] ?? ''

  it('keep the order of the calls if one is retried', async () => {
    const [a, b] = await pair()
    await using proxy = await proxyWith(['break', 'lose the response', { status: 503 }])
    const sotto = keyed(proxy.url).as(a)
    const texts = Array.from({ length: 10 }, (_, index) => String(index))
    const sent = await Promise.all(
      texts.map((text, index) =>
        index % 2 === 0
          ? sotto.messages.send({ to: b.toUpperCase(), text })
          : sotto.direct.send({ user: b, text }),
      ),
    )
    expect(sent.map(({ text, seq }) => [text, seq])).toEqual(texts.map((text, index) => [text, index + 1]))
  })

  it('to different conversations run concurrently, and continue after a failed message', async () => {
    const [a, b] = await pair()
    const [c] = await pair()
    const stuck = Promise.withResolvers<Action>()
    await using proxy = await startProxy(server.url, (request) =>
      textOf(request) === 'stuck' ? stuck.promise : 'pass',
    )
    const sotto = keyed(proxy.url).as(a)
    const first = failureOf(sotto.messages.send({ to: b, text: 'stuck' }))
    const second = sotto.messages.send({ to: b, text: 'behind' })
    await sotto.messages.send({ to: c, text: 'elsewhere' })
    await keyed(proxy.url).as(b).messages.send({ to: a, text: 'by another' })
    expect(proxy.requests.map(textOf)).toEqual(['stuck', 'elsewhere', 'by another'])
    stuck.resolve({ status: 413 })
    expect(await first).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    expect(await second).toMatchObject({ text: 'behind' })
  })

  it('can be aborted while waiting, without affecting the others', async () => {
    const [a, b] = await pair()
    const held = Promise.withResolvers<Action>()
    await using proxy = await startProxy(server.url, (request) =>
      textOf(request) === '1' ? held.promise : 'pass',
    )
    const sotto = keyed(proxy.url).as(a)
    const controller = new AbortController()
    const first = sotto.messages.send({ to: b, text: '1' })
    const second = sotto.messages.send({ to: b, text: '2' }, { signal: controller.signal })
    const late = failureOf(sotto.messages.send({ to: b, text: '2b' }, { timeoutMs: 50 }))
    const third = sotto.messages.send({ to: b, text: '3' })
    controller.abort(new Error('aborted'))
    await expect(second).rejects.toThrow('aborted')
    expect(await late).toMatchObject({ code: 'UNAVAILABLE' })
    expect(proxy.requests.map(textOf)).toEqual(['1'])
    held.resolve('pass')
    expect([(await first).seq, (await third).seq]).toEqual([1, 2])
  })
})
