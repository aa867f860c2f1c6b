import { createTestServer, type TestServer } from '@sotto/testing'
import { rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/index.ts'

const password = 'correct horse'

/** Headers of a proxy, or of a client that pretends to be one. Test requests come from 127.0.0.1. */
const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'chat.example.com' }

/** Whether the server treats the forwarded host as its own origin. */
async function isOwnPage(server: TestServer, headers: Record<string, string>): Promise<boolean> {
  const { status } = await rest(server, 'POST /v1/sessions', {
    authorization: null,
    headers: { origin: 'https://chat.example.com', ...headers },
    json: { username: 'carol', password, cookie: true },
  })
  return status === 201
}

describe('X-Forwarded headers', () => {
  test.each([['127.0.0.1'], ['loopback'], ['127.0.0.0/8'], ['10.0.0.0/8', '127.0.0.1']])(
    'are trusted from a trusted proxy: %s',
    async (...trustedProxies) => {
      await using server = await createTestServer({
        users: [{ username: 'carol', password }],
        settings: { trustedProxies },
      })
      expect(await isOwnPage(server, forwarded)).toBe(true)
      expect(await isOwnPage(server, {})).toBe(false)
      // The client's own value comes first, and the proxy appends to it.
      const spoofed = { ...forwarded, 'x-forwarded-host': 'chat.example.com, other.example.com' }
      expect(await isOwnPage(server, spoofed)).toBe(false)
      // A page loaded over plain HTTP is another origin than the server behind HTTPS.
      const { status } = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { origin: 'http://chat.example.com', ...forwarded },
        json: { username: 'carol', password, cookie: true },
      })
      expect(status).toBe(403)
    },
  )

  test.each([[], ['10.0.0.0/8'], ['uniquelocal'], ['::1']])(
    'are ignored from any other address: %s',
    async (...trustedProxies) => {
      await using server = await createTestServer({
        users: [{ username: 'carol', password }],
        settings: { trustedProxies },
      })
      expect(await isOwnPage(server, forwarded)).toBe(false)
      const answer = await rest(server, 'GET /healthz', { headers: forwarded })
      expect(answer.headers.get('strict-transport-security')).toBeNull()
    },
  )
})

describe('the address in the audit log', () => {
  const addressSeen = async (trustedProxies: string[], forwardedFor: string) => {
    await using server = await createTestServer({ settings: { trustedProxies } })
    const created = await rest(server, 'POST /v1/keys', {
      headers: { 'x-forwarded-for': forwardedFor },
      json: { name: 'second', scopes: ['read'] },
    })
    expect(created.status).toBe(201)
    const { body } = await rest(server, 'GET /v1/audit')
    return (body as { items: { address: string }[] }).items[0]?.address
  }

  test('is the one that the trusted proxy saw, not one that the client claims', async () => {
    expect(await addressSeen(['loopback'], '203.0.113.7')).toBe('203.0.113.7')
    expect(await addressSeen(['loopback'], '198.51.100.1, 203.0.113.7')).toBe('203.0.113.7')
    expect(await addressSeen(['loopback', '10.0.0.0/8'], '203.0.113.7, 10.1.2.3')).toBe('203.0.113.7')
  })

  test.each([
    ['203.0.113.6:50000', '203.0.113.6'],
    ['"203.0.113.6:50000"', '203.0.113.6'],
    ['[2001:db8::1]:50000', '2001:db8::1'],
    ['"[2001:db8::1]:50000"', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['198.51.100.1:1, 203.0.113.6:50000 , 10.1.2.3:443', '203.0.113.6'],
    ['203.0.113.6:50000, "[fd00::2]:443"', '203.0.113.6'],
  ])('is without the port and quotes that a proxy adds: %s', async (forwardedFor, address) => {
    expect(await addressSeen(['loopback', '10.0.0.0/8', 'fd00::/8'], forwardedFor)).toBe(address)
  })

  test('is the same for every port, for the limit of an address', async () => {
    const reads = { count: 1, seconds: 60 }
    await using server = await createTestServer({
      settings: { trustedProxies: ['loopback'], limits: { reads } },
    })
    const statusFrom = async (forwardedFor: string) => {
      const headers = { 'x-forwarded-for': forwardedFor }
      return (await rest(server, 'GET /v1/setup', { authorization: null, headers })).status
    }
    // Ten times the limit of a user.
    for (let port = 1; port <= 10; port++) expect(await statusFrom(`203.0.113.6:${port}`)).toBe(200)
    expect(await statusFrom('203.0.113.6:11')).toBe(429)
    expect(await statusFrom('"203.0.113.6"')).toBe(429)
    expect(await statusFrom('203.0.113.7:11')).toBe(200)
  })

  test('is that of the connection without a trusted proxy', async () => {
    expect(await addressSeen([], '203.0.113.7')).toBe('127.0.0.1')
    expect(await addressSeen(['10.0.0.0/8'], '203.0.113.7')).toBe('127.0.0.1')
  })
})

describe('SOTTO_TRUSTED_PROXIES', () => {
  const read = (value: string) => readConfig({ SOTTO_TRUSTED_PROXIES: value }).trustedProxies

  test.each(['loopback', '10.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1, linklocal,uniquelocal', '0.0.0.0/0'])(
    'accepts %s',
    (value) => {
      expect(read(value)).toEqual(value.split(',').map((range) => range.trim()))
    },
  )

  test.each([
    'true',
    '*',
    'proxy.example.com',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.1/8/8',
    '10.0.0',
  ])('rejects %s', (value) => {
    expect(() => read(value)).toThrow(ConfigError)
    expect(() => read(value)).toThrow(/^SOTTO_TRUSTED_PROXIES must be addresses, ranges/)
  })

  test('trusts no proxy by default', () => {
    expect(readConfig({}).trustedProxies).toEqual([])
  })
})
