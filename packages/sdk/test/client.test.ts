import { getEventListeners } from 'node:events'
import type { AppRouter } from '@sotto/sdk'
import { createClient, links, SottoError } from '@sotto/sdk'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { createTRPCClient } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fate, Passage, RunningProxy } from './support/proxy.ts'
import { startProxy } from './support/proxy.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

let pairs = 0
/** Two users that no other test knows, so that every test has a conversation of its own. */
async function pair() {
  pairs += 1
  const names = [`a${pairs}`, `b${pairs}`] as const
  for (const username of names) await keyed().users.create({ username, password: 'long enough' })
  return names
}

function keyed(url = server.url) {
  return createClient({ url, token: server.serviceKey })
}

/** A proxy whose first requests meet these fates, and which passes on the rest. */
async function proxyWith(fates: readonly Fate[]): Promise<RunningProxy> {
  return await startProxy(server.url, (_, index) => fates[index] ?? 'pass')
}

/** The error of a call that has to fail. */
async function failureOf(call: PromiseLike<unknown>): Promise<SottoError> {
  const error = await Promise.resolve(call).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SottoError)
  return error as SottoError
}

function operations({ passages }: RunningProxy): string[] {
  return passages.map(({ operation }) => operation)
}

describe('calls', () => {
  it('sends and reads, with times as dates', async () => {
    const [a, b] = await pair()
    const sent = await keyed().as(a).messages.send({ to: b, text: 'hello' })
    expect(sent).toMatchObject({ seq: 1, sender: a, kind: 'text', text: 'hello' })
    expect(sent.createdAt).toBeInstanceOf(Date)
    const received = await keyed().as(b).messages.get({ messageId: sent.id })
    expect(received).toEqual({ ...sent, clientMessageId: null, deliveredAt: received.deliveredAt })
  })

  it('takes a token, a function that gives one, and a password', async () => {
    const [a, b] = await pair()
    const { token } = await createClient({ url: server.url }).sessions.create({
      username: a,
      password: 'long enough',
    })
    let asked = 0
    const giveToken = async () => {
      asked += 1
      return await Promise.resolve(token)
    }
    const clients = [
      createClient({ url: server.url, token }),
      createClient({ url: server.url, token: giveToken }),
      createClient({ url: `${server.url}/`, basic: { username: a, password: 'long enough' } }),
    ]
    for (const client of clients) await client.direct.send({ user: b, text: 'hi' })
    expect((await clients[1]?.direct.messages({ user: b }))?.items).toHaveLength(3)
    expect(asked).toBe(2)
  })

  it('takes the same time twice', async () => {
    const [a, b] = await pair()
    const { createdAt } = await keyed().as(a).messages.send({ to: b, text: 'now' })
    const { items } = await keyed().messages.between([a, b], { since: createdAt, until: createdAt })
    expect(items).toEqual([])
  })

  it('names its request when it is told how', async () => {
    const error = await failureOf(keyed().messages.get({ messageId: 'none' }, { requestId: 'req-1' }))
    expect(error.requestId).toBe('req-1')
  })

  it('answers nothing where there is nothing to answer', async () => {
    const [username] = await pair()
    const session = await createClient({ url: server.url }).sessions.create({
      username,
      password: 'long enough',
    })
    expect(await createClient({ url: server.url, token: session.token }).sessions.end()).toBeUndefined()
  })

  it('refuses an address without a scheme', () => {
    expect(() => createClient({ url: 'localhost:1337' })).toThrow(TypeError)
  })

  it('serves plain tRPC clients with the same links', async () => {
    const [a, b] = await pair()
    await using proxy = await proxyWith(['lose the answer'])
    const trpc = createTRPCClient<AppRouter>({ links: links({ url: proxy.url, token: server.serviceKey }) })
    const sent = await trpc.messages.send.mutate({ from: a, to: b, text: 'once' })
    expect(sent.seq).toBe(1)
    const inbox = await trpc.conversations.list.query({}, { context: { actAs: b } })
    expect(inbox.items.map(({ unreadCount }) => unreadCount)).toEqual([1])
    const refusal = await trpc.messages.get.query({ messageId: 'none' }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ data: { code: 'MESSAGE_NOT_FOUND', httpStatus: 404 } })
  })
})

describe('lists', () => {
  it('is awaited for a page and walked for everything', async () => {
    const [a, b] = await pair()
    const texts = ['1', '2', '3', '4', '5']
    for (const text of texts) await keyed().as(a).messages.send({ to: b, text })
    const newestFirst = texts.toReversed()

    const list = keyed().messages.between([a, b], { limit: 2 })
    const page = await list
    expect(page.items.map(({ text }) => text)).toEqual(['5', '4'])
    expect(page.nextCursor).not.toBeNull()

    const walked: unknown[] = []
    for await (const message of list) walked.push(message.text)
    expect(walked).toEqual(newestFirst)

    const pages: unknown[] = []
    for await (const { items } of list.pages()) pages.push(items.map(({ text }) => text))
    expect(pages).toEqual([['5', '4'], ['3', '2'], ['1']])

    const oldestFirst: unknown[] = []
    for await (const { text } of keyed().as(b).direct.messages({ user: a, after: 1, limit: 2 })) {
      oldestFirst.push(text)
    }
    expect(oldestFirst).toEqual(['2', '3', '4', '5'])
  })

  it('goes on after a numbered page', async () => {
    const [a, b] = await pair()
    for (const text of ['1', '2', '3', '4', '5']) await keyed().as(a).messages.send({ to: b, text })
    const pages: unknown[] = []
    for await (const { items } of keyed().messages.between([a, b], { page: 2, pageSize: 2 }).pages()) {
      pages.push(items.map(({ text }) => text))
    }
    expect(pages).toEqual([['3', '2'], ['1']])
  })

  it('asks for nothing before it is read, and once when it is awaited', async () => {
    await using proxy = await proxyWith([])
    const list = keyed(proxy.url).users.list()
    expect(proxy.passages).toHaveLength(0)
    expect(await list).toBe(await list)
    expect(proxy.passages).toHaveLength(1)
  })

  it('fails like any other call', async () => {
    expect(await failureOf(keyed().conversations.list())).toMatchObject({ code: 'ACTOR_REQUIRED' })
    await expect(keyed().conversations.list().pages().next()).rejects.toThrow(SottoError)
  })
})

describe('errors', () => {
  it("are the catalogue's", async () => {
    const [a, b] = await pair()
    const error = await failureOf(keyed().as(a).messages.send({ to: b, text: '' }))
    expect(error).toMatchObject({ name: 'SottoError', code: 'INVALID_INPUT', status: 400, retryable: false })
    expect(error.issues).toEqual([{ path: 'text', message: expect.any(String) }])
    expect(error.requestId).toEqual(expect.any(String))
  })

  it('tell who may not', async () => {
    const stranger = createClient({ url: server.url, token: 'sk_wrong' })
    expect(await failureOf(stranger.users.list())).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
  })

  it('pass on what the token function throws', async () => {
    const reason = new Error('no token today')
    const client = createClient({ url: server.url, token: () => Promise.reject(reason) })
    await expect(client.users.list().then()).rejects.toBe(reason)
  })

  it('are the same for users whom no header can name', async () => {
    for (const user of ['', 'Zoë', 'a b']) {
      expect(await failureOf(keyed().as(user).users.list())).toMatchObject({ code: 'USER_NOT_FOUND' })
    }
  })

  it('tell a token that cannot be one from a passing failure', async () => {
    const client = createClient({ url: server.url, token: 'ключ' })
    await expect(client.users.list().then()).rejects.toThrow(TypeError)
  })

  it('make sense of a proxy that answers itself', async () => {
    const html = { headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' }
    const expected: [Fate, object][] = [
      [
        { status: 502, ...html },
        { code: 'UNAVAILABLE', message: expect.stringContaining('502') },
      ],
      [
        { status: 200, ...html },
        { code: 'UNAVAILABLE', message: expect.stringContaining('200') },
      ],
      [{ status: 413, ...html }, { code: 'PAYLOAD_TOO_LARGE' }],
      [{ status: 404, body: '{"message":"Not Found"}' }, { code: 'ROUTE_NOT_FOUND' }],
      [{ status: 403, body: '' }, { code: 'FORBIDDEN' }],
      [
        { status: 413, body: '{"code":"PAYLOAD_TOO_LARGE","detail":"too much","requestId":"r1"}' },
        { code: 'PAYLOAD_TOO_LARGE', message: 'too much', requestId: 'r1' },
      ],
    ]
    for (const [fate, error] of expected) {
      await using proxy = await startProxy(server.url, () => fate)
      const client = createClient({ url: proxy.url, token: server.serviceKey, retries: 0 })
      expect(await failureOf(client.users.get({ user: 'secret' }))).toMatchObject(error)
      expect((await failureOf(client.users.get({ user: 'secret' }))).message).not.toContain('secret')
    }
  })

  it('are UNAVAILABLE where nothing listens', async () => {
    const proxy = await proxyWith([])
    await proxy[Symbol.asyncDispose]()
    const error = await failureOf(keyed(proxy.url).users.list())
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true, requestId: undefined })
    expect(error.cause).toBeInstanceOf(Error)
  })
})

describe('repeats', () => {
  it('makes one message of a send whose answer was lost', async () => {
    const [a, b] = await pair()
    await using proxy = await proxyWith(['lose the answer', 'break', { status: 502 }])
    const sent = await keyed(proxy.url).as(a).messages.send({ to: b, text: 'once' })
    expect(proxy.passages).toHaveLength(4)
    expect(new Set(proxy.passages.map(({ body }) => body)).size).toBe(1)
    const { items } = await keyed().messages.between([a, b])
    expect(items.map(({ id }) => id)).toEqual([sent.id])
  })

  it('keeps the clientMessageId that it is given', async () => {
    const [a, b] = await pair()
    const message = { to: b, text: 'mine', clientMessageId: 'given' }
    const first = await keyed().as(a).messages.send(message)
    expect(first.clientMessageId).toBe('given')
    expect(await keyed().as(a).messages.send(message)).toEqual(first)
  })

  it('makes no second call of an operation that is not idempotent', async () => {
    await using proxy = await proxyWith(['lose the answer'])
    const error = await failureOf(keyed(proxy.url).users.create({ username: 'only-once' }))
    expect(error.code).toBe('UNAVAILABLE')
    expect(operations(proxy)).toEqual(['users.create'])
  })

  it('makes no second call when it was refused', async () => {
    await using proxy = await proxyWith([])
    await failureOf(keyed(proxy.url).users.get({ user: 'nobody-at-all' }))
    expect(proxy.passages).toHaveLength(1)
  })

  it('gives up after as many as it was told', async () => {
    await using proxy = await startProxy(server.url, () => 'break')
    const client = createClient({ url: proxy.url, token: server.serviceKey, retries: 1 })
    await failureOf(client.users.list())
    expect(proxy.passages).toHaveLength(2)
  })

  it('waits as long as it is asked to', async () => {
    await using proxy = await proxyWith([{ status: 429, headers: { 'retry-after': '1' } }])
    const began = performance.now()
    await keyed(proxy.url).users.list()
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000)
    expect(proxy.passages).toHaveLength(2)
  })

  it('does not wait for what cannot come in time', async () => {
    await using proxy = await proxyWith([{ status: 429, headers: { 'retry-after': '3600' } }])
    const began = performance.now()
    const error = await failureOf(keyed(proxy.url).users.list())
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 3_600_000 })
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(proxy.passages).toHaveLength(1)
  })
})

describe('time', () => {
  it('ends a call that is not answered, in all attempts together', async () => {
    await using proxy = await proxyWith(['break', 'hang'])
    const began = performance.now()
    const error = await failureOf(keyed(proxy.url).users.list({}, { timeoutMs: 700 }))
    const took = performance.now() - began
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true, cause: { code: 'UNAVAILABLE' } })
    expect(error.message).toContain('700 ms')
    expect(took).toBeGreaterThan(650)
    expect(took).toBeLessThan(2_000)
  })

  it.each([[new Error('enough')], ['text'], [null]])(
    'ends a call that is aborted with %s',
    async (reason) => {
      await using proxy = await startProxy(server.url, () => 'hang')
      const controller = new AbortController()
      const call = keyed(proxy.url).users.list({}, { signal: controller.signal }).then()
      setTimeout(() => controller.abort(reason), 50)
      await expect(call).rejects.toBe(reason)

      const before = proxy.passages.length
      const late = keyed(proxy.url)
        .users.list({}, { signal: AbortSignal.abort(reason) })
        .then()
      await expect(late).rejects.toBe(reason)
      expect(proxy.passages).toHaveLength(before)
    },
  )

  it('leaves nothing listening to a signal that outlives a thousand calls', async () => {
    const [a, b] = await pair()
    const life = new AbortController()
    const client = keyed().as(a)
    for (let batch = 0; batch < 10; batch += 1) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          // Half of them are aborted on their way, by a signal of their own.
          const own = new AbortController()
          const signal = index % 2 === 0 ? own.signal : life.signal
          const call = client.messages.send({ to: b, text: `${index}` }, { signal })
          own.abort()
          await call.catch(() => {})
          expect(getEventListeners(own.signal, 'abort')).toEqual([])
        }),
      )
    }
    expect(getEventListeners(life.signal, 'abort')).toEqual([])
  }, 60_000)

  it('ends the wait for a repeat when it is aborted', async () => {
    await using proxy = await startProxy(server.url, () => ({
      status: 503,
      headers: { 'retry-after': '20' },
    }))
    const began = performance.now()
    const call = keyed(proxy.url)
      .users.list({}, { signal: AbortSignal.timeout(200) })
      .then()
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

describe('order', () => {
  const textOf = ({ body }: Passage) => /"text":"([^"]*)"/.exec(body)?.[1] ?? ''

  it('keeps the order of the calls when one has to be repeated', async () => {
    const [a, b] = await pair()
    await using proxy = await proxyWith(['break', 'lose the answer', { status: 503 }])
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

  it('lets conversations go side by side, and those behind a failed message go on', async () => {
    const [a, b] = await pair()
    const [c] = await pair()
    const stuck = Promise.withResolvers<Fate>()
    await using proxy = await startProxy(server.url, (passage) =>
      textOf(passage) === 'stuck' ? stuck.promise : 'pass',
    )
    const sotto = keyed(proxy.url).as(a)
    const first = failureOf(sotto.messages.send({ to: b, text: 'stuck' }))
    const second = sotto.messages.send({ to: b, text: 'behind' })
    await sotto.messages.send({ to: c, text: 'elsewhere' })
    await keyed(proxy.url).as(b).messages.send({ to: a, text: 'by another' })
    expect(proxy.passages.map(textOf)).toEqual(['stuck', 'elsewhere', 'by another'])
    stuck.resolve({ status: 413 })
    expect(await first).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    expect(await second).toMatchObject({ text: 'behind' })
  })

  it('lets a message leave the queue without a change to the others', async () => {
    const [a, b] = await pair()
    const held = Promise.withResolvers<Fate>()
    await using proxy = await startProxy(server.url, (passage) =>
      textOf(passage) === '1' ? held.promise : 'pass',
    )
    const sotto = keyed(proxy.url).as(a)
    const controller = new AbortController()
    const first = sotto.messages.send({ to: b, text: '1' })
    const second = sotto.messages.send({ to: b, text: '2' }, { signal: controller.signal })
    const late = failureOf(sotto.messages.send({ to: b, text: '2b' }, { timeoutMs: 50 }))
    const third = sotto.messages.send({ to: b, text: '3' })
    controller.abort(new Error('changed my mind'))
    await expect(second).rejects.toThrow('changed my mind')
    expect(await late).toMatchObject({ code: 'UNAVAILABLE' })
    expect(proxy.passages.map(textOf)).toEqual(['1'])
    held.resolve('pass')
    expect([(await first).seq, (await third).seq]).toEqual([1, 2])
  })
})
