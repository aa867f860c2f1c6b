import { signUserToken } from '@sotto/sdk/server'
import { createTestServer } from '@sotto/testing'
import { rest } from '@sotto/testing/internal'
import { jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { SECRET } from './token-fixtures.ts'

test('signUserToken creates a standard JWT', async () => {
  const token = await signUserToken({ secret: SECRET, user: 'alice', name: 'Alice', expiresInSeconds: 60 })
  const { payload, protectedHeader } = await jwtVerify(token, Buffer.from(SECRET))
  expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' })
  const { iat = 0 } = payload
  expect(payload).toEqual({ sub: 'alice', aud: 'sotto', name: 'Alice', iat, exp: iat + 60 })
})

test('signUserToken accepts claims in any script', async () => {
  const names = { user: 'ext/Ünïcode-名', name: 'Zoë 名 🙂', secret: `${SECRET}-ключ` }
  const { payload } = await jwtVerify(await signUserToken(names), Buffer.from(names.secret))
  expect(payload).toMatchObject({ sub: names.user, name: names.name })
})

test('signUserToken accepts another audience and issuer', async () => {
  const names = { audience: 'chat', issuer: 'https://host.example' }
  await using server = await createTestServer({
    settings: { userTokens: { keys: { secret: SECRET }, createUsers: true, ...names } },
  })
  const statusOf = async (token: string) =>
    (await rest(server, 'GET /v1/users', { authorization: `Bearer ${token}` })).status
  expect(await statusOf(await signUserToken({ secret: SECRET, user: 'alice', ...names }))).toBe(200)
  expect(await statusOf(await signUserToken({ secret: SECRET, user: 'alice' }))).toBe(401)
})

test('signUserToken rejects options that the server would reject', async () => {
  const sign = (options: object) => signUserToken({ secret: SECRET, user: 'alice', ...options })
  await expect(sign({ secret: 'too short' })).rejects.toThrow(/secret/)
  for (const user of ['', 'a\0', 'x'.repeat(256), '\uD800'])
    await expect(sign({ user })).rejects.toThrow(/user/)
  for (const expiresInSeconds of [0, -1, 1.5, Number.NaN, 86_401]) {
    await expect(sign({ expiresInSeconds })).rejects.toThrow(/expiresInSeconds/)
  }
})
