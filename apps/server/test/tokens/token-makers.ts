import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { listen } from '@sotto/testing/internal'

type Json = Readonly<Record<string, unknown>>

export const SECRET = 'a secret of more than 32 bytes, for tests'

/** Seconds since 1970, as claims have them. */
export function seconds(offset = 0): number {
  return Math.floor(Date.now() / 1_000) + offset
}

/** What a good token of alice says. */
export function goodClaims(): Json {
  return { sub: 'alice', aud: 'sotto', iss: 'https://host.example', iat: seconds(), exp: seconds(600) }
}

/** Joins what it is given, signed or not: nothing here keeps anybody from making what no library would make. */
export function forge(header: Json, claims: unknown, signature: (signed: string) => string): string {
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${signature(signed)}`
}

export function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

export function hmac(secret: string | Buffer, hash = 'sha256') {
  return (signed: string) => createHmac(hash, secret).update(signed).digest('base64url')
}

function rsa(key: KeyObject) {
  return (signed: string) => sign('sha256', Buffer.from(signed), key).toString('base64url')
}

function ecdsa(key: KeyObject) {
  return (signed: string) =>
    sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

function eddsa(key: KeyObject) {
  return (signed: string) => sign(null, Buffer.from(signed), key).toString('base64url')
}

export interface KeyPair {
  kid: string
  alg: 'RS256' | 'ES256' | 'EdDSA'
  jwk: Json
  publicKey: KeyObject
  sign(signed: string): string
  token(claims?: Json): string
}

export function createKeyPair(kid: string, alg: KeyPair['alg'] = 'RS256'): KeyPair {
  const { privateKey, publicKey, signature } = {
    RS256: () => ({ ...generateKeyPairSync('rsa', { modulusLength: 2_048 }), signature: rsa }),
    ES256: () => ({ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }), signature: ecdsa }),
    EdDSA: () => ({ ...generateKeyPairSync('ed25519'), signature: eddsa }),
  }[alg]()
  return {
    kid,
    alg,
    publicKey,
    sign: signature(privateKey),
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
    token: (claims = goodClaims()) => forge({ alg, kid, typ: 'JWT' }, claims, signature(privateKey)),
  }
}

export interface JwksServer extends AsyncDisposable {
  readonly url: string
  /** How often it was asked. */
  readonly asked: number
  /** What it answers from now on; undefined is a server that fails. */
  serve(keys: readonly KeyPair[] | undefined): void
}

/** An identity provider's keys behind a port of its own. */
export async function startJwks(...keys: readonly KeyPair[]): Promise<JwksServer> {
  let served: readonly KeyPair[] | undefined = keys
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response.writeHead(served ? 200 : 503, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: served?.map(({ jwk }) => jwk) }))
  })
  const listening = await listen(server)
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}/.well-known/jwks.json`,
    get asked() {
      return asked
    },
    serve(next) {
      served = next
    },
  }
}
