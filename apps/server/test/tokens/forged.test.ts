import { openSse, openWs, type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserTokenSettings } from '../../src/index.ts'
import {
  createKeyPair,
  encode,
  forge,
  goodClaims,
  hmac,
  type JwksServer,
  SECRET,
  seconds,
  startJwks,
} from './token-makers.ts'

const ISSUER = 'https://host.example'
const HS256 = { alg: 'HS256', typ: 'JWT' }
const DAY = 24 * 60 * 60

function settingsFor(keys: UserTokenSettings['keys']): UserTokenSettings {
  return { keys, audience: 'sotto', issuer: ISSUER, createUsers: true }
}

/** Signed as the server expects it, with these claims or this header instead. */
function signed(claims: object, header: object = {}): string {
  return forge({ ...HS256, ...header }, { ...goodClaims(), ...claims }, hmac(SECRET))
}

function without(...names: string[]): string {
  const kept = Object.entries(goodClaims()).filter(([name]) => !names.includes(name))
  return forge(HS256, Object.fromEntries(kept), hmac(SECRET))
}

/** Every way in: plain HTTP, RPC, both kinds of streams. What each says, and what it was that came out. */
async function enter(world: RunningServer, token: string): Promise<string[]> {
  const authorization = `Bearer ${token}`
  const codeOf = async (response: Response) => {
    const text = await response.text()
    return response.ok ? 'in' : (/"code":"([A-Z_]+)"/.exec(text)?.[1] ?? text)
  }
  const opened = (stream: { close(): void }) => {
    stream.close()
    return 'in'
  }
  const refusal = (error: unknown) =>
    error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return [
    await codeOf(await fetch(`${world.url}/v1/users`, { headers: { authorization } })),
    await codeOf(
      await fetch(`${world.url}/trpc/users.list?input=${encodeURIComponent('{"json":{}}')}`, {
        headers: { authorization },
      }),
    ),
    await openSse(`${world.url}/v1/events`, { authorization }).then(opened, refusal),
    await openWs(world.url, { authorization }, {}).then(opened, refusal),
  ]
}

const REFUSED = Array.from({ length: 4 }, () => 'UNAUTHENTICATED')
const TAKEN = Array.from({ length: 4 }, () => 'in')

describe('a token with a shared secret', () => {
  let world: RunningServer
  beforeAll(async () => {
    world = await startServer('sqlite', {
      users: ['alice'],
      settings: { userTokens: settingsFor({ secret: SECRET }) },
    })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  test.each([
    ['as it should be', signed({})],
    ['without a type', forge({ alg: 'HS256' }, goodClaims(), hmac(SECRET))],
    ['with the long name of its type', signed({}, { typ: 'application/jwt' })],
    ['for several audiences', signed({ aud: ['other', 'sotto'] })],
    ['of a user in upper case', signed({ sub: 'ALICE' })],
    [
      'with a clock that is four seconds ahead',
      signed({ iat: seconds(4), nbf: seconds(4), exp: seconds(DAY) }),
    ],
    ['with a clock that is three seconds late', () => signed({ exp: seconds(-3) })],
    ['for a day', signed({ exp: seconds(DAY) })],
    ['without the time of its issue', without('iat')],
  ])('is taken: %s', async (_, token) => {
    // What has expired, if only for this clock, opens no stream that lasts; that it opens is enough here.
    expect(await enter(world, typeof token === 'string' ? token : token())).toEqual(TAKEN)
  })

  const [head = '', body = '', signature = ''] = signed({}).split('.')
  test.each([
    ['without a signature (alg none)', forge({ alg: 'none', typ: 'JWT' }, goodClaims(), () => '')],
    ['with alg none and a signature', forge({ alg: 'none', typ: 'JWT' }, goodClaims(), hmac(SECRET))],
    ['with alg NONE', forge({ alg: 'NONE' }, goodClaims(), () => '')],
    ['without an algorithm', forge({ typ: 'JWT' }, goodClaims(), hmac(SECRET))],
    ['with another secret', forge(HS256, goodClaims(), hmac(`${SECRET}!`))],
    ['with an empty secret', forge(HS256, goodClaims(), hmac(''))],
    ['with HS512, which is not on the list', forge({ alg: 'HS512' }, goodClaims(), hmac(SECRET, 'sha512'))],
    ['with RS256, which a secret has not', createKeyPair('any').token()],
    ['expired', signed({ iat: seconds(-700), exp: seconds(-10) })],
    ['not valid yet', signed({ nbf: seconds(60) })],
    ['issued in the future', signed({ iat: seconds(60) })],
    ['without an expiry', without('exp')],
    ['with an expiry that is no number', signed({ exp: String(seconds(600)) })],
    ['with an expiry that is null', signed({ exp: null })],
    ['with an expiry far away', signed({ exp: seconds(10 * DAY) })],
    ['with an expiry at the end of time', signed({ exp: Number.MAX_VALUE })],
    ['for longer than a day, though not from now', signed({ iat: seconds(-2 * DAY) })],
    ['for somebody else', signed({ aud: 'other' })],
    ['for nobody', without('aud')],
    ['from somebody else', signed({ iss: 'https://attacker.example' })],
    ['from nobody', without('iss')],
    ['without a user', without('sub')],
    ['with a number for a user', signed({ sub: 42 })],
    ['with a list of users', signed({ sub: ['alice'] })],
    ['with a user that can be none', signed({ sub: '../alice' })],
    ['with an empty user', signed({ sub: '' })],
    ['with an id that is nobody’s', signed({ sub: '019c13a0-0000-7000-8000-00000000000f' })],
    ['of the type of access tokens', signed({}, { typ: 'at+jwt' })],
    ['of the type of log-out tokens', signed({}, { typ: 'logout+jwt' })],
    ['with an extension that nobody knows', signed({}, { crit: ['unheard-of'], 'unheard-of': true })],
    ['with an unencoded payload', signed({}, { crit: ['b64'], b64: false })],
    [
      'with other claims than were signed',
      `${head}.${encode({ ...goodClaims(), sub: 'root' })}.${signature}`,
    ],
    ['with another header than was signed', `${encode({ ...HS256, kid: 'a' })}.${body}.${signature}`],
    ['with half of its signature', `${head}.${body}.${signature.slice(0, signature.length / 2)}`],
    ['with an empty signature', `${head}.${body}.`],
    ['with a list for claims', forge(HS256, [goodClaims()], hmac(SECRET))],
    ['that is not base64', `${head}.${body}=.${signature}`],
    ['that is dots alone', '..'],
    ['that is enormous', `${head}.${'a'.repeat(9_000)}.${signature}`],
  ])('is refused: %s', async (_, token) => {
    expect(await enter(world, token)).toEqual(REFUSED)
  })

  test('makes nobody when it is refused', async () => {
    const { items } = await world.client.users.list()
    expect(items.map(({ username }) => username)).toEqual(['alice'])
  })
})

describe('a token with the keys of a JWKS URL', () => {
  const host = createKeyPair('host')
  const attacker = createKeyPair('host')
  let jwks: JwksServer
  let attackers: JwksServer
  let world: RunningServer
  beforeAll(async () => {
    jwks = await startJwks(host, createKeyPair('es', 'ES256'))
    attackers = await startJwks(attacker)
    world = await startServer('sqlite', {
      users: ['alice'],
      settings: { userTokens: settingsFor({ jwksUrl: jwks.url }) },
    })
  })
  afterAll(async () => {
    for (const each of [world, attackers, jwks]) await each[Symbol.asyncDispose]()
  })

  const pem = host.publicKey.export({ format: 'pem', type: 'spki' })
  const der = host.publicKey.export({ format: 'der', type: 'spki' })
  const withHeader = (header: object) =>
    forge({ alg: 'RS256', typ: 'JWT', ...header }, goodClaims(), attacker.sign)

  test('is taken when one of them has signed it', async () => {
    expect(await enter(world, host.token())).toEqual(TAKEN)
  })

  test.each([
    ['with HS256 and the public key as its secret', forge(HS256, goodClaims(), hmac(String(pem)))],
    ['with HS256, naming that key', forge({ ...HS256, kid: 'host' }, goodClaims(), hmac(String(pem)))],
    ['with HS256 and the bytes of the public key', forge({ ...HS256, kid: 'host' }, goodClaims(), hmac(der))],
    ['without a signature', forge({ alg: 'none', kid: 'host' }, goodClaims(), () => '')],
    ['with somebody else’s key under the same name', attacker.token()],
    ['with a key of its own in its header', withHeader({ kid: 'host', jwk: attacker.jwk })],
    ['with a key of its own and no name', withHeader({ jwk: attacker.jwk })],
    ['that points to other keys', () => withHeader({ kid: 'host', jku: attackers.url })],
    ['that points to another certificate', () => withHeader({ kid: 'host', x5u: attackers.url })],
    ['with a certificate of its own', withHeader({ kid: 'host', x5c: [der.toString('base64')] })],
    ['with a path for the name of its key', withHeader({ kid: '../../../../dev/null' })],
    ['with an address for the name of its key', () => withHeader({ kid: attackers.url })],
    ['with SQL for the name of its key', withHeader({ kid: "x' union select 'key" })],
    ['with another algorithm than its key is for', withHeader({ alg: 'PS256', kid: 'host' })],
    ['with the key of another algorithm', withHeader({ kid: 'es' })],
    [
      'with a signature of something else',
      forge({ alg: 'RS256', kid: 'host' }, goodClaims(), () => host.sign('something else')),
    ],
  ])('is refused: %s', async (_, token) => {
    expect(await enter(world, typeof token === 'string' ? token : token())).toEqual(REFUSED)
    expect(attackers.asked).toBe(0)
  })
})
