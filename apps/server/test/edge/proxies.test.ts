import { createTestServer, type TestServer } from '@sotto/testing'
import { rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/index.ts'

const password = 'correct horse'

/** What a proxy in front of the server says, or anybody who pretends to be one. The tests come from 127.0.0.1. */
const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'chat.example.com' }

/** Whether the page at the forwarded host is the server's own. */
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
    'are believed from a proxy that is trusted: %s',
    async (...trustedProxies) => {
      await using server = await createTestServer({
        users: [{ username: 'carol', password }],
        settings: { trustedProxies },
      })
      expect(await isOwnPage(server, forwarded)).toBe(true)
      expect(await isOwnPage(server, {})).toBe(false)
      // What the client itself wrote comes before what the proxy has added.
      const spoofed = { ...forwarded, 'x-forwarded-host': 'chat.example.com, other.example.com' }
      expect(await isOwnPage(server, spoofed)).toBe(false)
      // Over https a page that came without is somebody else's, whoever is between.
      const { status } = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { origin: 'http://chat.example.com', ...forwarded },
        json: { username: 'carol', password, cookie: true },
      })
      expect(status).toBe(403)
    },
  )

  test.each([[], ['10.0.0.0/8'], ['uniquelocal'], ['::1']])(
    'are passed over from anybody else: %s',
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

describe('the address in the audit', () => {
  const addressSeen = async (trustedProxies: string[], forwardedFor: string) => {
    await using server = await createTestServer({ settings: { trustedProxies } })
    const made = await rest(server, 'POST /v1/keys', {
      headers: { 'x-forwarded-for': forwardedFor },
      json: { name: 'second', scopes: ['read'] },
    })
    expect(made.status).toBe(201)
    const { body } = await rest(server, 'GET /v1/audit')
    return (body as { items: { address: string }[] }).items[0]?.address
  }

  test('is the one that the trusted proxy saw, whatever the client wrote before it', async () => {
    expect(await addressSeen(['loopback'], '203.0.113.7')).toBe('203.0.113.7')
    expect(await addressSeen(['loopback'], '198.51.100.1, 203.0.113.7')).toBe('203.0.113.7')
    expect(await addressSeen(['loopback', '10.0.0.0/8'], '203.0.113.7, 10.1.2.3')).toBe('203.0.113.7')
  })

  test('is that of the connection where nobody is trusted', async () => {
    expect(await addressSeen([], '203.0.113.7')).toBe('127.0.0.1')
    expect(await addressSeen(['10.0.0.0/8'], '203.0.113.7')).toBe('127.0.0.1')
  })
})

describe('SOTTO_TRUSTED_PROXIES', () => {
  const read = (value: string) => readConfig({ SOTTO_TRUSTED_PROXIES: value }).trustedProxies

  test.each(['loopback', '10.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1, linklocal,uniquelocal', '0.0.0.0/0'])(
    'takes %s',
    (value) => {
      expect(read(value)).toEqual(value.split(',').map((one) => one.trim()))
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
  ])('does not take %s', (value) => {
    expect(() => read(value)).toThrow(ConfigError)
    expect(() => read(value)).toThrow(/^SOTTO_TRUSTED_PROXIES must be addresses, ranges/)
  })

  test('trusts nobody unless told to', () => {
    expect(readConfig({}).trustedProxies).toEqual([])
  })
})
