import { createTestServer, type TestServer } from '@sotto/testing'
import { rest } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const LISTED = 'https://app.example.com'
const OTHERS = [
  'https://evil.example.com',
  'http://app.example.com',
  `${LISTED}.evil.org`,
  `${LISTED}:8443`,
  'null',
]

let server: TestServer
beforeAll(async () => {
  server = await createTestServer({ users: ['alice'], settings: { allowedOrigins: [LISTED] } })
})
afterAll(() => server[Symbol.asyncDispose]())

const corsOf = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))

const readable = {
  'access-control-allow-origin': LISTED,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'x-request-id, retry-after, ratelimit, ratelimit-policy',
}

const preflight = (origin: string, path = '/v1/messages') =>
  rest(server, `OPTIONS ${path}` as 'OPTIONS /', {
    authorization: null,
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,act-as,expected-user',
    },
  })

describe('a page from an allowed origin', () => {
  test.each([
    ['GET /v1/users', 200],
    ['GET /healthz', 200],
    ['GET /v1/users?limit=0', 400],
    ['GET /v1/users/%ff', 400],
    ['GET /v1/users/nobody', 404],
    ['GET /nowhere', 404],
    ['POST /healthz', 405],
    ['GET /trpc/users.list?input=%7B%22json%22%3A%7B%7D%7D', 200],
    ['GET /trpc/nothing', 404],
  ] as const)('can read the response to %s', async (line, status) => {
    const answer = await rest(server, line, { headers: { origin: LISTED } })
    expect(answer.status).toBe(status)
    expect(corsOf(answer.headers)).toEqual(readable)
    expect(answer.headers.get('vary')).toMatch(/\borigin\b/)
  })

  test.each(['/v1/events', '/trpc/events.stream?input=%7B%22json%22%3A%7B%7D%7D'])(
    'can read the stream %s',
    async (path) => {
      const closing = new AbortController()
      const { headers } = await server.fetch(path, {
        headers: { authorization: `Bearer ${server.serviceKey}`, 'act-as': 'alice', origin: LISTED },
        signal: closing.signal,
      })
      expect(headers.get('content-type')).toMatch(/^text\/event-stream/)
      expect(corsOf(headers)).toEqual(readable)
      closing.abort()
    },
  )

  test('gets a preflight response on any path', async () => {
    for (const path of ['/v1/messages', '/trpc/messages.send', '/nowhere']) {
      const answer = await preflight(LISTED, path)
      expect(answer.status).toBe(204)
      expect(corsOf(answer.headers)).toEqual({
        ...readable,
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers':
          'authorization, content-type, act-as, expected-user, last-event-id, x-request-id, trpc-accept',
        'access-control-max-age': '7200',
      })
      expect(answer.headers.get('vary')).toMatch(/\borigin\b/)
    }
  })
})

describe.each(OTHERS)('a page from %s', (origin) => {
  test('cannot read any response, and its preflight is rejected', async () => {
    for (const line of ['GET /v1/users', 'GET /nowhere', 'GET /trpc/users.list'] as const) {
      const { headers } = await rest(server, line, { headers: { origin } })
      expect(corsOf(headers)).toEqual({})
      // A cache must not return this response to an allowed origin.
      expect(headers.get('vary')).toMatch(/\borigin\b/)
    }
    const answer = await preflight(origin)
    expect([answer.status, corsOf(answer.headers)]).toEqual([405, {}])
  })
})

test('an origin that is not allowed is logged once, with the setting that allows it', async () => {
  await using closed = await createTestServer({ settings: { allowedOrigins: [LISTED] } })
  const reported = () => closed.logs.filter((line) => line.includes('SOTTO_ALLOWED_ORIGINS'))
  for (const origin of [LISTED, closed.url]) await rest(closed, 'GET /v1/users', { headers: { origin } })
  expect(reported()).toEqual([])
  for (const line of ['GET /v1/users', 'GET /v1/users', 'OPTIONS /v1/messages'] as const) {
    await rest(closed, line, { headers: { origin: 'https://chat.example.com' } })
  }
  expect(reported()).toEqual([expect.stringContaining('"origin":"https://chat.example.com"')])
  // Anyone can send origins.
  for (let n = 0; n < 150; n++) {
    await rest(closed, 'GET /healthz', { headers: { origin: `https://${n}.example.org` } })
  }
  expect(reported()).toHaveLength(100)
})

test('responses do not vary by origin without allowed origins', async () => {
  await using closed = await createTestServer()
  const { headers } = await rest(closed, 'GET /healthz', { headers: { origin: LISTED } })
  expect(corsOf(headers)).toEqual({})
  expect(headers.get('vary')).toBeNull()
})
