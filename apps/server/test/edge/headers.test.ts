import { createTestServer, type TestServer } from '@sotto/testing'
import { type RestAnswer, rest } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer({ users: ['alice', 'bob'], settings: { trustedProxies: ['loopback'] } })
})
afterAll(() => server[Symbol.asyncDispose]())

const onEveryResponse = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': expect.stringContaining('camera=()'),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const headersOf = ({ headers }: Pick<RestAnswer, 'headers'>) => Object.fromEntries(headers)

describe('security headers', () => {
  test.each([
    ['GET /healthz', 200],
    ['GET /readyz', 200],
    ['GET /openapi.json', 200],
    ['GET /v1/users', 200],
    ['HEAD /v1/users', 200],
    ['DELETE /v1/sessions/current', 400],
    ['GET /v1/users?limit=0', 400],
    ['GET /v1/users/%ff', 400],
    ['GET /v1/users/nobody', 404],
    [`GET /v1/users/${'x'.repeat(3_000)}`, 404],
    ['GET /nowhere', 404],
    ['POST /healthz', 405],
    ['OPTIONS /v1/users', 405],
    ['GET /trpc/users.list?input=%7B%22json%22%3A%7B%7D%7D', 200],
    ['HEAD /trpc/users.list', 204],
    ['GET /trpc/users.list?input=%7B', 400],
    ['GET /trpc/nothing', 404],
    ['GET /trpc', 404],
  ] as const)('are on %s', async (line, status) => {
    const answer = await rest(server, line)
    expect(answer.status).toBe(status)
    expect(headersOf(answer)).toMatchObject({
      ...onEveryResponse,
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-request-id': expect.stringMatching(/./),
    })
    expect(answer.headers.get('server')).toBeNull()
    expect(answer.headers.get('x-powered-by')).toBeNull()
  })

  test.each(['/v1/events', '/trpc/events.stream?input=%7B%22json%22%3A%7B%7D%7D'])(
    'are on %s before the first event',
    async (path) => {
      const closing = new AbortController()
      const answer = await server.fetch(path, {
        headers: {
          authorization: `Bearer ${server.serviceKey}`,
          'act-as': 'alice',
          'x-request-id': 'stream-1',
        },
        signal: closing.signal,
      })
      expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/)
      expect(headersOf(answer)).toMatchObject({
        ...onEveryResponse,
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-request-id': 'stream-1',
      })
      closing.abort()
    },
  )

  test('allow /docs to load only its own scripts and styles', async () => {
    const answer = await rest(server, 'GET /docs')
    expect(headersOf(answer)).toMatchObject(onEveryResponse)
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/default-src 'none'; script-src 'self';/)
    expect(policy).not.toContain('unsafe')
    expect(policy).toContain("frame-ancestors 'none'")
    expect(answer.body).not.toMatch(/<script>|<style|\son\w+=|\sstyle=/)
  })
})

describe('HSTS', () => {
  const https = { 'x-forwarded-proto': 'https' }

  test.each(['GET /healthz', 'GET /nowhere', 'GET /docs'] as const)(
    'is set on responses over TLS only: %s',
    async (line) => {
      const { headers } = await rest(server, line, { headers: https })
      expect(headers.get('strict-transport-security')).toBe('max-age=63072000')
      expect((await rest(server, line)).headers.get('strict-transport-security')).toBeNull()
    },
  )

  test('ignores X-Forwarded-Proto from untrusted proxies', async () => {
    await using other = await createTestServer({ settings: { trustedProxies: ['10.0.0.0/8'] } })
    await using none = await createTestServer()
    for (const untrusting of [other, none]) {
      const { headers } = await rest(untrusting, 'GET /healthz', { headers: https })
      expect(headers.get('strict-transport-security')).toBeNull()
    }
  })
})
