import { createTestServer, type TestServer } from '@sotto/testing'
import { rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import {
  createKeyPair,
  type JwksServer,
  type KeyPair,
  seconds,
  startJwks,
  validClaims,
} from './token-fixtures.ts'

/** The intervals in remote-keys.ts. */
const COOLDOWN_MS = 10_000
const REFRESH_MS = 5 * 60_000
/** How long a verified signature is cached. */
const SIGNATURE_MS = 60_000

async function start(jwks: JwksServer): Promise<TestServer> {
  const server = await createTestServer({
    users: ['alice'],
    settings: {
      userTokens: { keys: { jwksUrl: jwks.url }, audience: 'sotto', issuer: undefined, createUsers: false },
    },
  })
  server.clock.set(new Date())
  return server
}

/** A token that is not in any cache, because its id is unique. */
let issued = 0
function fresh(key: KeyPair): string {
  return key.token({ ...validClaims(), jti: String(issued++), exp: seconds(3_600) })
}

async function statusOf(server: TestServer, token: string): Promise<number> {
  return (await rest(server, 'GET /v1/users', { authorization: `Bearer ${token}` })).status
}

describe('keys of a JWKS URL', () => {
  test.each(['RS256', 'ES256', 'EdDSA'] as const)('verify tokens signed with %s', async (alg) => {
    const key = createKeyPair('one', alg)
    await using jwks = await startJwks(key)
    await using server = await start(jwks)
    expect(await statusOf(server, fresh(key))).toBe(200)
  })

  test('are fetched once for concurrent requests, and again for a new key', async () => {
    const [old, next] = [createKeyPair('old'), createKeyPair('next')]
    await using jwks = await startJwks(old)
    await using server = await start(jwks)
    const many = await Promise.all(Array.from({ length: 20 }, () => statusOf(server, fresh(old))))
    expect(new Set(many)).toEqual(new Set([200]))
    expect(jwks.requestCount).toBe(1)

    jwks.serve([old, next])
    server.clock.advance(COOLDOWN_MS)
    expect([await statusOf(server, fresh(next)), await statusOf(server, fresh(old))]).toEqual([200, 200])
    expect(jwks.requestCount).toBe(2)
  })

  test('are fetched at most once in ten seconds, whatever key ids tokens name', async () => {
    const key = createKeyPair('real')
    await using jwks = await startJwks(key)
    await using server = await start(jwks)
    await statusOf(server, fresh(key))
    for (let n = 0; n < 20; n++) {
      server.clock.advance(COOLDOWN_MS / 20)
      expect(await statusOf(server, fresh(createKeyPair(`made up ${n}`, 'EdDSA')))).toBe(401)
    }
    expect(jwks.requestCount).toBe(2)
  })

  test('are rejected after they were removed', async () => {
    const [old, next] = [createKeyPair('old'), createKeyPair('next')]
    await using jwks = await startJwks(old)
    await using server = await start(jwks)
    expect(await statusOf(server, fresh(old))).toBe(200)
    jwks.serve([next])
    server.clock.advance(REFRESH_MS)
    // This request does not wait for the keys. What it fetches applies to later requests.
    expect(await statusOf(server, fresh(old))).toBe(200)
    await expect.poll(() => statusOf(server, fresh(old))).toBe(401)
    expect(await statusOf(server, fresh(next))).toBe(200)
  })

  test('are kept for as long as the URL is unavailable', async () => {
    const [known, unknown] = [createKeyPair('known'), createKeyPair('unknown')]
    await using jwks = await startJwks(known)
    await using server = await start(jwks)
    expect(await statusOf(server, fresh(known))).toBe(200)

    jwks.serve(undefined)
    for (const ms of [COOLDOWN_MS, SIGNATURE_MS, REFRESH_MS, REFRESH_MS]) {
      server.clock.advance(ms)
      expect(await statusOf(server, fresh(known))).toBe(200)
    }
    // The key may be new: the client should retry.
    server.clock.advance(COOLDOWN_MS)
    expect(await statusOf(server, fresh(unknown))).toBe(503)
    jwks.serve([known, unknown])
    server.clock.advance(COOLDOWN_MS)
    expect(await statusOf(server, fresh(unknown))).toBe(200)
    expect(server.logs.join('\n')).toContain('fetching the keys that verify tokens failed')
  })

  test('must be fetched before any token is accepted', async () => {
    const key = createKeyPair('key')
    await using jwks = await startJwks()
    await using server = await start(jwks)
    jwks.serve(undefined)
    for (const _ of [1, 2, 3]) expect(await statusOf(server, fresh(key))).toBe(503)
    expect(jwks.requestCount).toBe(1)
    jwks.serve([key])
    server.clock.advance(COOLDOWN_MS)
    expect(await statusOf(server, fresh(key))).toBe(200)
  })
})
