import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { createTestServer } from '@sotto/testing'
import { rest } from '@sotto/testing/internal'
import { jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { signUserToken } from '../../src/tokens.ts'
import { SECRET } from './token-fixtures.ts'

test('signUserToken creates a standard JWT', async () => {
  const token = await signUserToken({ secret: SECRET, user: 'alice', name: 'Alice', expiresInSeconds: 60 })
  const { payload, protectedHeader } = await jwtVerify(token, Buffer.from(SECRET))
  expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' })
  const { iat = 0 } = payload
  expect(payload).toEqual({ sub: 'alice', aud: 'sotto', name: 'Alice', iat, exp: iat + 60 })
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
  for (const expiresInSeconds of [0, -1, 1.5, Number.NaN, 86_401]) {
    await expect(sign({ expiresInSeconds })).rejects.toThrow(/expiresInSeconds/)
  }
})

test('signing tokens does not load the server', async () => {
  const file = path.join(import.meta.dirname, '../../src/tokens.ts')
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
    await import(${JSON.stringify(file)})
    console.log(loaded.filter((url) => !url.startsWith('node:') && !url.includes('/node_modules/jose/')).map((url) => url.split('/').at(-1)).join())
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  expect(stdout.trim()).toBe('tokens.ts,token-rules.ts')
})
