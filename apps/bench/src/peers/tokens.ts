import { createHmac, timingSafeEqual } from 'node:crypto'

/** Signs the users' tokens. Both servers have it. */
export const TOKEN_SECRET = 'bench-token-secret-000000000000000000000'

const HEADER = encode({ alg: 'HS256', typ: 'JWT' })

interface Claims {
  sub: string
  exp: number
}

/** A JWT of a user, valid for an hour. */
export function signToken(sub: string): string {
  const now = Math.floor(Date.now() / 1_000)
  const claims = { sub, preferred_username: sub, aud: 'sotto', iat: now, exp: now + 3_600 }
  const signed = `${HEADER}.${encode(claims)}`
  return `${signed}.${signatureOf(signed).toString('base64url')}`
}

/** @returns undefined if the token is not valid. */
export function verifyToken(token: string): Claims | undefined {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const expected = signatureOf(`${header}.${payload}`)
  const given = Buffer.from(signature, 'base64url')
  if (header !== HEADER || given.length !== expected.length || !timingSafeEqual(given, expected))
    return undefined
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
  return claims.exp * 1_000 > Date.now() ? claims : undefined
}

function signatureOf(text: string): Buffer {
  return createHmac('sha256', TOKEN_SECRET).update(text).digest()
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
