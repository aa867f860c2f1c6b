import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { listen } from '@sotto/testing/internal'

type Json = Readonly<Record<string, unknown>>

export const SECRET = 'a secret of more than 32 bytes, for tests'

/** The time in seconds since 1970, the unit of JWT claims, plus an offset. */
export function seconds(offset = 0): number {
  return Math.floor(Date.now() / 1_000) + offset
}

/** The claims of a valid token for alice. */
export function validClaims(): Json {
  return { sub: 'alice', aud: 'sotto', iss: 'https://host.example', iat: seconds(), exp: seconds(600) }
}

/** Assembles a token without checks, so that it can be one that no library would create. */
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
    token: (claims = validClaims()) => forge({ alg, kid, typ: 'JWT' }, claims, signature(privateKey)),
  }
}

export interface JwksServer extends AsyncDisposable {
  readonly url: string
  /** How many requests it received. */
  readonly requestCount: number
  /** Sets the keys to serve from now on. With undefined, requests fail. */
  serve(keys: readonly KeyPair[] | undefined): void
}

/** Serves the keys of an identity provider on a local port. */
export async function startJwks(...keys: readonly KeyPair[]): Promise<JwksServer> {
  let served: readonly KeyPair[] | undefined = keys
  let requestCount = 0
  const server = createServer((_request, response) => {
    requestCount++
    response.writeHead(served ? 200 : 503, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: served?.map(({ jwk }) => jwk) }))
  })
  const listening = await listen(server)
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}/.well-known/jwks.json`,
    get requestCount() {
      return requestCount
    },
    serve(next) {
      served = next
    },
  }
}
