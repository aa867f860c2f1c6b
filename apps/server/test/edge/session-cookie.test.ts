import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, rest, startServer } from '@sotto/testing/internal'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const LISTED = 'https://app.example.com'
const password = 'correct horse'
const settings = { allowedOrigins: [LISTED] }
const NO_INPUT = encodeURIComponent('{"json":{}}')
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

/** Signs in from an allowed origin, because the server's own is plain HTTP, where browsers drop the cookie. */
async function signIn(server: TestServer, origin = LISTED, json: object = {}) {
  return rest(server, 'POST /v1/sessions', {
    authorization: null,
    headers: { origin },
    json: { username: 'carol', password, cookie: true, ...json },
  })
}

async function cookieOf(server: TestServer): Promise<string> {
  const { headers } = await signIn(server)
  return headers.get('set-cookie')?.split(';', 1)[0] ?? ''
}

describe.each(dialects)('the session cookie on %s', (using) => {
  let server: TestServer
  beforeAll(async () => {
    server = await createTestServer({ using, users: [{ username: 'carol', password }, 'bob'], settings })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const asPage = (cookie: string, headers: Record<string, string> = { origin: LISTED }) => ({
    authorization: null,
    headers: { cookie, ...headers },
  })

  test('contains the token instead of the response body, inaccessible to scripts', async () => {
    const { status, headers, body } = await signIn(server)
    expect(status).toBe(201)
    expect(body).toEqual({
      expiresAt: expect.any(String),
      user: expect.objectContaining({ username: 'carol' }),
    })
    const [pair, ...attributes] = (headers.get('set-cookie') ?? '').split('; ')
    expect(pair).toMatch(/^__Host-sotto=st_[\w-]{40,}$/)
    expect(attributes.toSorted()).toEqual([
      `Expires=${new Date((body as { expiresAt: string }).expiresAt).toUTCString()}`,
      'HttpOnly',
      'Path=/',
      'SameSite=Strict',
      'Secure',
    ])
  })

  test('is set only on request', async () => {
    for (const cookie of [false, undefined]) {
      const { headers, body } = await signIn(server, LISTED, { cookie })
      expect(headers.get('set-cookie')).toBeNull()
      expect(body).toMatchObject({ token: expect.stringMatching(/^st_/) })
    }
    expect((await signIn(server, LISTED, { password: 'wrong' })).headers.get('set-cookie')).toBeNull()
  })

  test('authenticates REST and RPC calls until the session ends', async () => {
    const cookie = await cookieOf(server)
    expect(await rest(server, 'GET /v1/conversations', asPage(cookie))).toMatchObject({ status: 200 })
    expect(await rest(server, 'GET /v1/conversations', asPage(cookie, SAME_ORIGIN))).toMatchObject({
      status: 200,
    })
    const sent = await rest(server, 'POST /v1/messages', {
      ...asPage(cookie),
      json: { to: 'bob', text: 'hi' },
    })
    expect(sent).toMatchObject({ status: 201, body: { sender: 'carol' } })
    const overRpc = await rest(server, `GET /trpc/conversations.list?input=${NO_INPUT}`, asPage(cookie))
    expect(overRpc.status).toBe(200)

    const ended = await rest(server, 'DELETE /v1/sessions/current', asPage(cookie))
    expect(ended.status).toBe(204)
    expect(ended.headers.get('set-cookie')).toMatch(/^__Host-sotto=; Max-Age=0; /)
    expect(await rest(server, 'GET /v1/conversations', asPage(cookie))).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED' },
    })
    // A page cannot delete the cookie, so signing in must work with the old one.
    const again = await rest(server, 'POST /v1/sessions', {
      ...asPage(cookie),
      json: { username: 'carol', password, cookie: true },
    })
    expect(again.status).toBe(201)
  })

  test('is set and cleared over RPC, but not in a streamed batch', async () => {
    const call = (path: string, headers: Record<string, string>, input: object) =>
      rest(server, `POST /trpc/${path}` as 'POST /', {
        authorization: null,
        headers: { origin: LISTED, ...headers },
        json: { json: input },
      })
    const created = await call('sessions.create', {}, { username: 'carol', password, cookie: true })
    expect(created.status).toBe(200)
    const cookie = created.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    expect(cookie).toMatch(/^__Host-sotto=st_/)
    expect(JSON.stringify(created.body)).not.toContain('st_')
    const ended = await call('sessions.end', { cookie }, {})
    expect(ended.headers.get('set-cookie')).toMatch(/^__Host-sotto=; Max-Age=0; /)

    const streamed = await server.fetch('/trpc/sessions.create?batch=1', {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: LISTED, 'trpc-accept': 'application/jsonl' },
      body: JSON.stringify({ 0: { json: { username: 'carol', password, cookie: true } } }),
    })
    expect(streamed.headers.get('set-cookie')).toBeNull()
    expect(await streamed.text()).toContain('"INVALID_INPUT"')
  })

  test.each([
    ['POST /v1/messages', { origin: 'https://evil.example.com' }],
    ['POST /v1/messages', { origin: 'null' }],
    ['POST /v1/messages', {}],
    ['POST /v1/messages', SAME_ORIGIN],
    ['POST /trpc/messages.send', { origin: 'https://evil.example.com' }],
    ['POST /trpc/messages.send', {}],
    ['DELETE /v1/sessions/current', {}],
    ['GET /v1/conversations', { origin: 'https://evil.example.com' }],
    ['GET /v1/conversations', { 'sec-fetch-site': 'cross-site' }],
    ['GET /v1/conversations', { 'sec-fetch-site': 'same-site' }],
    ['GET /v1/conversations', { 'sec-fetch-site': 'none' }],
    ['GET /v1/conversations', {}],
    ['GET /v1/events', { origin: 'https://evil.example.com' }],
    ['GET /trpc/conversations.list', { origin: 'https://evil.example.com' }],
  ] as const)('is rejected from pages of other origins: %s %o', async (line, headers) => {
    const cookie = await cookieOf(server)
    const answer = await rest(server, line, {
      ...asPage(cookie, { ...headers }),
      ...(line.startsWith('POST') && { json: { to: 'bob', text: 'forged' } }),
    })
    expect(answer.status).toBe(403)
    expect(JSON.stringify(answer.body)).toContain('"FORBIDDEN"')
  })

  test('is ignored if there is an Authorization header', async () => {
    const cookie = await cookieOf(server)
    const evil = { origin: 'https://evil.example.com', cookie }
    const asBob = await rest(server, 'POST /v1/messages', {
      as: 'bob',
      headers: evil,
      json: { to: 'carol', text: 'hi' },
    })
    expect(asBob).toMatchObject({ status: 201, body: { sender: 'bob' } })
    const wrong = await rest(server, 'GET /v1/conversations', {
      authorization: 'Bearer st_wrong',
      headers: { origin: LISTED, cookie },
    })
    expect(wrong.status).toBe(401)
    const { body } = await signIn(server, LISTED, { cookie: false })
    const ended = await rest(server, 'DELETE /v1/sessions/current', {
      authorization: `Bearer ${(body as { token: string }).token}`,
      headers: { origin: LISTED, cookie },
    })
    expect(ended.headers.get('set-cookie')).toBeNull()
    expect((await rest(server, 'GET /v1/conversations', asPage(cookie))).status).toBe(200)
  })

  test('accepts only session tokens, not service keys', async () => {
    for (const value of [server.serviceKey, 'st_wrong', '', '%', 'a.b.c']) {
      const answer = await rest(server, 'GET /v1/users', asPage(`__Host-sotto=${value}; other=1`))
      expect([answer.status, value]).toEqual([401, value])
    }
  })

  test('is not set for other origins, or where browsers would drop it', async () => {
    for (const origin of ['https://evil.example.com', 'null']) {
      expect(await signIn(server, origin)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    }
    const withoutOrigin = await rest(server, 'POST /v1/sessions', {
      authorization: null,
      json: { username: 'carol', password, cookie: true },
    })
    expect(withoutOrigin).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    const overPlainHttp = await signIn(server, server.url)
    expect(overPlainHttp).toMatchObject({ status: 403, body: { detail: expect.stringContaining('https') } })
    for (const host of ['localhost:1337', '127.0.0.1:1337', '[::1]:1337', 'sotto.localhost']) {
      const answer = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { origin: `http://${host}`, host },
        json: { username: 'carol', password, cookie: true },
      })
      expect([host, answer.status]).toEqual([host, 201])
    }
  })
})

test('the session cookie authenticates streams over Server-Sent Events and WebSocket', async () => {
  await using server = await startServer('sqlite', { users: ['bob'] })
  await server.client.users.create({ username: 'carol', password })
  const signedIn = await fetch(`${server.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: server.url },
    body: JSON.stringify({ username: 'carol', password, cookie: true }),
  })
  const cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? ''

  const closing = new AbortController()
  const stream = await fetch(`${server.url}/v1/events`, {
    headers: { cookie, ...SAME_ORIGIN },
    signal: closing.signal,
  })
  expect(stream.status).toBe(200)
  closing.abort()

  const listOver = (headers: Record<string, string>) =>
    new Promise<string>((resolve, reject) => {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/trpc`, { headers })
      socket.addEventListener('error', () => reject(new Error('rejected')))
      socket.addEventListener('open', () => {
        const params = { path: 'conversations.list', input: superjson.serialize({}) }
        socket.send(JSON.stringify({ id: 1, method: 'query', params }))
      })
      socket.addEventListener('message', ({ data }) => {
        resolve(String(data))
        socket.close()
      })
    })
  expect(await listOver({ cookie, origin: server.url })).toContain('"items":[]')
  expect(await listOver({ origin: server.url })).toContain('"UNAUTHENTICATED"')
  expect(await listOver({ cookie })).toContain('"FORBIDDEN"')
  await expect(listOver({ cookie, origin: 'https://evil.example.com' })).rejects.toThrow('rejected')
})
