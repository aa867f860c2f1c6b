import { openSse, openWs, type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserTokenSettings } from '../../src/index.ts'
import {
  createKeyPair,
  encode,
  forge,
  hmac,
  type JwksServer,
  SECRET,
  seconds,
  startJwks,
  validClaims,
} from './token-fixtures.ts'

const ISSUER = 'https://host.example'
const HS256 = { alg: 'HS256', typ: 'JWT' }
const DAY = 24 * 60 * 60

function settingsFor(keys: UserTokenSettings['keys']): UserTokenSettings {
  return { keys, audience: 'sotto', issuer: ISSUER, createUsers: true }
}

/** A valid token with some of its claims or header fields replaced. */
function signed(claims: object, header: object = {}): string {
  return forge({ ...HS256, ...header }, { ...validClaims(), ...claims }, hmac(SECRET))
}

function without(...names: string[]): string {
  const kept = Object.entries(validClaims()).filter(([name]) => !names.includes(name))
  return forge(HS256, Object.fromEntries(kept), hmac(SECRET))
}

/** Uses a token over REST, tRPC, SSE and WebSocket. Returns `accepted` or the error code for each. */
async function tryToken(server: RunningServer, token: string): Promise<string[]> {
  const authorization = `Bearer ${token}`
  const codeOf = async (response: Response) => {
    const text = await response.text()
    return response.ok ? 'accepted' : (/"code":"([A-Z_]+)"/.exec(text)?.[1] ?? text)
  }
  const opened = (stream: { close(): void }) => {
    stream.close()
    return 'accepted'
  }
  const rejection = (error: unknown) =>
    error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return [
    await codeOf(await fetch(`${server.url}/v1/users`, { headers: { authorization } })),
    await codeOf(
      await fetch(`${server.url}/trpc/users.list?input=${encodeURIComponent('{"json":{}}')}`, {
        headers: { authorization },
      }),
    ),
    await openSse(`${server.url}/v1/events`, { authorization }).then(opened, rejection),
    await openWs(server.url, { authorization }, {}).then(opened, rejection),
  ]
}

const REJECTED = Array.from({ length: 4 }, () => 'UNAUTHENTICATED')
const ACCEPTED = Array.from({ length: 4 }, () => 'accepted')

describe('a token with a shared secret', () => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startServer('sqlite', {
      users: ['alice'],
      settings: { userTokens: settingsFor({ secret: SECRET }) },
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.each([
    ['valid', signed({})],
    ['without a type', forge({ alg: 'HS256' }, validClaims(), hmac(SECRET))],
    ['with the full media type', signed({}, { typ: 'application/jwt' })],
    ['for several audiences', signed({ aud: ['other', 'sotto'] })],
    ['from a clock four seconds ahead', signed({ iat: seconds(4), nbf: seconds(4), exp: seconds(DAY) })],
    ['expired three seconds ago', () => signed({ exp: seconds(-3) })],
    ['valid for a day', signed({ exp: seconds(DAY) })],
    ['without an issue time', without('iat')],
  ])('is accepted: %s', async (_, token) => {
    // An expired token within the clock tolerance opens a stream that ends soon. Opening it is enough here.
    expect(await tryToken(server, typeof token === 'string' ? token : token())).toEqual(ACCEPTED)
  })

  const [head = '', body = '', signature = ''] = signed({}).split('.')
  test.each([
    ['without a signature (alg none)', forge({ alg: 'none', typ: 'JWT' }, validClaims(), () => '')],
    ['with alg none and a signature', forge({ alg: 'none', typ: 'JWT' }, validClaims(), hmac(SECRET))],
    ['with alg NONE', forge({ alg: 'NONE' }, validClaims(), () => '')],
    ['without an algorithm', forge({ typ: 'JWT' }, validClaims(), hmac(SECRET))],
    ['with another secret', forge(HS256, validClaims(), hmac(`${SECRET}!`))],
    ['with an empty secret', forge(HS256, validClaims(), hmac(''))],
    ['with HS512, which is not allowed', forge({ alg: 'HS512' }, validClaims(), hmac(SECRET, 'sha512'))],
    ['with RS256 instead of a shared secret', createKeyPair('any').token()],
    ['expired', signed({ iat: seconds(-700), exp: seconds(-10) })],
    ['not valid yet', signed({ nbf: seconds(60) })],
    ['issued in the future', signed({ iat: seconds(60) })],
    ['without an expiry', without('exp')],
    ['with an expiry that is not a number', signed({ exp: String(seconds(600)) })],
    ['with an expiry that is null', signed({ exp: null })],
    ['with an expiry in ten days', signed({ exp: seconds(10 * DAY) })],
    ['with the largest number as its expiry', signed({ exp: Number.MAX_VALUE })],
    ['valid for more than a day since it was issued', signed({ iat: seconds(-2 * DAY) })],
    ['for another audience', signed({ aud: 'other' })],
    ['without an audience', without('aud')],
    ['from another issuer', signed({ iss: 'https://attacker.example' })],
    ['without an issuer', without('iss')],
    ['without a subject', without('sub')],
    ['with a number as its subject', signed({ sub: 42 })],
    ['with a list as its subject', signed({ sub: ['alice'] })],
    ['with a subject of 256 characters', signed({ sub: 'a'.repeat(256) })],
    ['with NUL in its subject', signed({ sub: 'alice\0' })],
    ['with an empty subject', signed({ sub: '' })],
    ['with the type of access tokens', signed({}, { typ: 'at+jwt' })],
    ['with the type of logout tokens', signed({}, { typ: 'logout+jwt' })],
    ['with an unknown critical extension', signed({}, { crit: ['unheard-of'], 'unheard-of': true })],
    ['with an unencoded payload', signed({}, { crit: ['b64'], b64: false })],
    ['with changed claims', `${head}.${encode({ ...validClaims(), sub: 'root' })}.${signature}`],
    ['with a changed header', `${encode({ ...HS256, kid: 'a' })}.${body}.${signature}`],
    ['with half a signature', `${head}.${body}.${signature.slice(0, signature.length / 2)}`],
    ['with an empty signature', `${head}.${body}.`],
    ['with a list as its claims', forge(HS256, [validClaims()], hmac(SECRET))],
    ['that is not base64url', `${head}.${body}=.${signature}`],
    ['with only empty parts', '..'],
    ['that is too long', `${head}.${'a'.repeat(9_000)}.${signature}`],
  ])('is rejected: %s', async (_, token) => {
    expect(await tryToken(server, token)).toEqual(REJECTED)
  })

  test('creates no user if it is rejected', async () => {
    const { items } = await server.client.users.list()
    expect(items.map(({ username }) => username)).toEqual(['alice'])
  })
})

describe('a token with keys from a JWKS URL', () => {
  const host = createKeyPair('host')
  const attacker = createKeyPair('host')
  let jwks: JwksServer
  let attackers: JwksServer
  let server: RunningServer
  beforeAll(async () => {
    jwks = await startJwks(host, createKeyPair('es', 'ES256'))
    attackers = await startJwks(attacker)
    server = await startServer('sqlite', {
      users: ['alice'],
      settings: { userTokens: settingsFor({ jwksUrl: jwks.url }) },
    })
  })
  afterAll(async () => {
    for (const each of [server, attackers, jwks]) await each[Symbol.asyncDispose]()
  })

  const pem = host.publicKey.export({ format: 'pem', type: 'spki' })
  const der = host.publicKey.export({ format: 'der', type: 'spki' })
  const withHeader = (header: object) =>
    forge({ alg: 'RS256', typ: 'JWT', ...header }, validClaims(), attacker.sign)

  test('is accepted if one of the keys signed it', async () => {
    expect(await tryToken(server, host.token())).toEqual(ACCEPTED)
  })

  test.each([
    ['with HS256 and the public key as the secret', forge(HS256, validClaims(), hmac(String(pem)))],
    [
      'with HS256, the public key as the secret, and its key id',
      forge({ ...HS256, kid: 'host' }, validClaims(), hmac(String(pem))),
    ],
    [
      'with HS256 and the DER bytes of the public key as the secret',
      forge({ ...HS256, kid: 'host' }, validClaims(), hmac(der)),
    ],
    ['without a signature', forge({ alg: 'none', kid: 'host' }, validClaims(), () => '')],
    ['signed by another key with the same key id', attacker.token()],
    ['with an embedded key', withHeader({ kid: 'host', jwk: attacker.jwk })],
    ['with an embedded key and no key id', withHeader({ jwk: attacker.jwk })],
    ['with a URL of other keys', () => withHeader({ kid: 'host', jku: attackers.url })],
    ['with a URL of another certificate', () => withHeader({ kid: 'host', x5u: attackers.url })],
    ['with an embedded certificate', withHeader({ kid: 'host', x5c: [der.toString('base64')] })],
    ['with a path as the key id', withHeader({ kid: '../../../../dev/null' })],
    ['with a URL as the key id', () => withHeader({ kid: attackers.url })],
    ['with SQL as the key id', withHeader({ kid: "x' union select 'key" })],
    ['with an algorithm that its key is not for', withHeader({ alg: 'PS256', kid: 'host' })],
    ['with the id of a key for another algorithm', withHeader({ kid: 'es' })],
    [
      'with a signature of other data',
      forge({ alg: 'RS256', kid: 'host' }, validClaims(), () => host.sign('something else')),
    ],
  ])('is rejected: %s', async (_, token) => {
    expect(await tryToken(server, typeof token === 'string' ? token : token())).toEqual(REJECTED)
    expect(attackers.requestCount).toBe(0)
  })
})
