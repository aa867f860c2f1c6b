import type { Fetch, TokenRequest } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

const MINUTE = 60_000

/** A JWT with these claims. The client does not check the signature. */
function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'HS256' })}.${part(claims)}.signature`
}

interface FakeServer {
  fetch: Fetch
  /** The tokens of all requests. */
  tokens: (string | undefined)[]
}

/** A server that accepts some tokens. */
function fakeServer(accepts: (token: string | undefined) => boolean = () => true): FakeServer {
  const tokens: (string | undefined)[] = []
  return {
    tokens,
    fetch: async (_, { headers }) => {
      const token = headers.authorization?.replace('Bearer ', '')
      tokens.push(token)
      if (accepts(token)) return Response.json({ result: { data: { json: {} } } })
      const data = { code: 'UNAUTHENTICATED', httpStatus: 401, retryable: false }
      return Response.json({ error: { json: { code: -32_001, message: 'expired', data } } }, { status: 401 })
    },
  }
}

function clientOf(
  { fetch }: FakeServer,
  token: (request: TokenRequest) => string | undefined | Promise<string | undefined>,
  retries = 3,
) {
  return createClient({ url: 'https://chat.example.com', token, fetch, retries })
}

const seven = Array.from({ length: 7 })

describe('a token', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2030, 0) }))
  afterEach(() => void vi.useRealTimers())

  const seconds = (ms: number) => Math.floor((Date.now() + ms) / 1_000)
  const lasting = (ms: number, claims: object = {}) => jwt({ iat: seconds(0), exp: seconds(ms), ...claims })

  it('is requested once for a page and kept until shortly before it expires', async () => {
    const server = fakeServer()
    const getToken = vi.fn(async () => lasting(15 * MINUTE, { name: 'Zoë – 名' }))
    const client = clientOf(server, getToken)
    await Promise.all(seven.map(() => client.users.me()))
    await client.as('bob').users.me()
    vi.setSystemTime(Date.now() + 14 * MINUTE)
    await client.users.me()
    expect(getToken).toHaveBeenCalledTimes(1)
    vi.setSystemTime(Date.now() + 0.75 * MINUTE)
    await client.users.me()
    expect(getToken).toHaveBeenCalledTimes(2)
    expect(new Set(server.tokens).size).toBe(2)
  })

  it.each<[string, () => string | undefined]>([
    ['a session token', () => 'st_x'],
    ['a JWT without exp', () => jwt({ iat: 1 })],
    ['a JWT that cannot be read', () => 'a.b.c'],
    ['a JWT whose exp is a text', () => jwt({ exp: '2040' })],
    ['a JWT of null', () => `a.${Buffer.from('null').toString('base64url')}.c`],
    ['nothing', () => undefined],
  ])('that is %s is requested each time, once for requests at the same time', async (_, token) => {
    const server = fakeServer()
    const getToken = vi.fn(token)
    const client = clientOf(server, getToken)
    await Promise.all(seven.map(() => client.users.me()))
    expect(getToken).toHaveBeenCalledTimes(1)
    await client.users.me()
    expect(getToken).toHaveBeenCalledTimes(2)
    expect(server.tokens).toEqual(Array.from({ length: 8 }, token))
  })

  it.each([
    ['behind', -10],
    ['ahead', 10],
    ['far ahead', 600],
  ])('is kept for its lifetime if the clock of the device is %s', async (_, minutes) => {
    const trueTime = Date.now()
    const token = jwt({ iat: trueTime / 1_000, exp: (trueTime + 15 * MINUTE) / 1_000 })
    vi.setSystemTime(trueTime + minutes * MINUTE)
    const getToken = vi.fn(async () => token)
    const client = clientOf(fakeServer(), getToken)
    await client.users.me()
    vi.setSystemTime(Date.now() + 4 * MINUTE)
    await client.users.me()
    expect(getToken).toHaveBeenCalledTimes(1)
    vi.setSystemTime(Date.now() + 11 * MINUTE)
    await client.users.me()
    expect(getToken).toHaveBeenCalledTimes(2)
  })

  it.each([0, 3])('that is refused is replaced once for all calls, with %s retries', async (retries) => {
    let valid = 'first'
    const tokens = new Map([
      ['first', lasting(15 * MINUTE)],
      ['second', lasting(20 * MINUTE)],
    ])
    const server = fakeServer((token) => token === tokens.get(valid))
    const requests: TokenRequest[] = []
    const client = clientOf(
      server,
      async (request) => {
        requests.push(request)
        return tokens.get(request.refused ? 'second' : 'first')
      },
      retries,
    )
    await client.users.me()
    valid = 'second'
    await Promise.all(seven.map(() => client.messages.edit({ messageId: 'x', text: 'y' })))
    await client.users.me()
    expect(requests).toEqual([{ refused: undefined }, { refused: tokens.get('first') }])
    expect(server.tokens).toHaveLength(1 + 7 + 7 + 1)
  })

  it('that is refused again fails the call', async () => {
    const server = fakeServer(() => false)
    let count = 0
    const getToken = vi.fn(() => {
      count += 1
      return `st_${count}`
    })
    const client = clientOf(server, getToken)
    await expect(client.users.me()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: 'expired' })
    expect(server.tokens).toEqual(['st_1', 'st_2'])
  })

  it.each(['st_same', undefined])(
    'that is not replaced (%s) fails without another request',
    async (token) => {
      const server = fakeServer(() => false)
      const client = clientOf(server, () => token)
      await expect(client.users.me()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
      expect(server.tokens).toEqual([token])
    },
  )

  it('whose function fails when asked for another one fails the call with that error', async () => {
    const client = clientOf(
      fakeServer(() => false),
      ({ refused }) => (refused ? Promise.reject(new Error('signed out')) : 'st_x'),
    )
    await expect(client.users.me()).rejects.toThrow('signed out')
  })

  it('whose function hangs does not stop later calls', async () => {
    const getToken = vi.fn(() => Promise.resolve<string | undefined>('st_x'))
    getToken.mockReturnValueOnce(new Promise<never>(() => {}))
    const client = clientOf(fakeServer(), getToken)
    const controller = new AbortController()
    const hanging = client.users.me({}, { signal: controller.signal })
    hanging.catch(() => {})
    vi.setSystemTime(Date.now() + 11_000)
    await client.users.me()
    expect(getToken).toHaveBeenCalledTimes(2)
    controller.abort()
    await expect(hanging).rejects.toThrow('aborted')
  })
})

describe('on a server', () => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startServer('sqlite')
    await server.client.users.create({ username: 'alice', password: 'long enough' })
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  const signIn = async () =>
    (await createClient({ url: server.url }).sessions.create({ username: 'alice', password: 'long enough' }))
      .token ?? ''

  it('a call with an ended session gets another token, and a stream shares it', async () => {
    const [first, second] = [await signIn(), await signIn()]
    await createClient({ url: server.url, token: first }).sessions.end()
    const requests: TokenRequest[] = []
    const client = createClient({
      url: server.url,
      token(request) {
        requests.push(request)
        return request.refused === first || requests.length > 2 ? second : first
      },
    })
    expect(await client.users.me()).toMatchObject({ username: 'alice' })
    expect(requests).toEqual([{ refused: undefined }, { refused: first }])
    const connected = Promise.withResolvers<void>()
    const stream = client.events({ onStatus: (status) => status === 'connected' && connected.resolve() })
    const next = stream.next()
    await connected.promise
    await stream.return()
    await next
  })

  it('signing in with a wrong password is not repeated', async () => {
    const token = await signIn()
    let refusals = 0
    const operations: string[] = []
    const client = createClient({
      url: server.url,
      fetch: (url, init) => {
        operations.push(url)
        return fetch(url, init)
      },
      token({ refused }) {
        if (refused) refusals += 1
        return refused ? undefined : token
      },
    })
    await expect(
      client.sessions.create({ username: 'alice', password: 'wrong password' }),
    ).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(operations).toHaveLength(1)
    expect(refusals).toBe(0)
  })
})
