import { createClient, type SottoClient } from '@sotto/sdk'
import { signUserToken } from '@sotto/sdk/server'
import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, totpCode } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import type { UserTokenSettings } from '../../src/index.ts'
import { readConfig } from '../../src/settings/config.ts'
import { SECRET } from './token-fixtures.ts'

const userTokens: UserTokenSettings = {
  keys: { secret: SECRET },
  audience: 'sotto',
  issuer: undefined,
  createUsers: true,
}
const password = 'correct horse'
const newPassword = 'battery staple'

async function start(using: 'sqlite' | 'postgres', settings: UserTokenSettings) {
  const server = await createTestServer({
    using,
    users: ['root', 'alice', 'zoe', { username: 'bob', password, externalId: 'bob' }],
    settings: { userTokens: settings },
  })
  await server.client.users.setRole({ user: 'root', role: 'admin' })
  return server
}

async function withToken({ url, fetch }: TestServer, user: string): Promise<SottoClient> {
  return createClient({ url, token: await signUserToken({ secret: SECRET, user }), fetch, retries: 0 })
}

/** Calls that create or change credentials that outlast a token. */
const calls: Record<string, (server: TestServer) => Promise<unknown>> = {
  'setting a first password': async (server) =>
    (await withToken(server, 'alice')).passwords.set({ user: 'alice', newPassword }),
  'changing a password': async (server) =>
    (await withToken(server, 'bob')).passwords.set({ user: 'bob', currentPassword: password, newPassword }),
  'setting up two-factor authentication': async (server) => {
    const zoe = await withToken(server, 'zoe')
    const { secret } = await zoe.totp.start()
    const { recoveryCodes } = await zoe.totp.confirm({ code: totpCode(secret, server.clock.now()) })
    await zoe.totp.disable({ recoveryCode: recoveryCodes[0] ?? '' })
  },
  'creating a key': async (server) =>
    (await withToken(server, 'root')).keys.create({ name: 'mine', scopes: ['admin'] }),
  'issuing a password reset': async (server) =>
    (await withToken(server, 'root')).passwords.issueReset({ user: 'bob' }),
  'creating an invitation': async (server) => (await withToken(server, 'root')).invitations.create({}),
  'making a user an admin': async (server) =>
    (await withToken(server, 'root')).users.setRole({ user: 'zoe', role: 'admin' }),
  'enabling an admin': async (server) => {
    await server.client.users.put({ user: 'ext:boss' })
    await server.client.users.setRole({ user: 'boss', role: 'admin' })
    return (await withToken(server, 'root')).users.setDisabled({ user: 'boss', disabled: false })
  },
  "turning off another user's two-factor authentication": async (server) =>
    (await withToken(server, 'root')).totp.remove({ user: 'bob' }),
  'creating a webhook': async (server) => (await withToken(server, 'root')).webhooks.create({ url }),
  'redirecting a webhook': async (server) => updateWebhook(server, { url }),
  'adding events to a webhook': async (server) => updateWebhook(server, { events: null }),
  'enabling a webhook': async (server) => updateWebhook(server, { enabled: true }),
  'replacing the secret of a webhook': async (server) => {
    const { id } = await server.client.webhooks.create({ url })
    return (await withToken(server, 'root')).webhooks.rotateSecret({ webhookId: id })
  },
}

const url = 'https://hooks.example/new'

async function updateWebhook(server: TestServer, change: object) {
  const { id } = await server.client.webhooks.create({ url: 'https://hooks.example/old' })
  return (await withToken(server, 'root')).webhooks.update({ webhookId: id, ...change })
}

describe.each(dialects)('a signed token on %s', (using) => {
  test('creates no credentials that outlast it by default', async () => {
    await using server = await start(using, userTokens)
    for (const [name, call] of Object.entries(calls)) {
      expect(await codeOf(call(server)), name).toBe('FORBIDDEN')
    }
    const zoe = await withToken(server, 'zoe')
    expect(await codeOf(zoe.totp.confirm({ code: '000000' }))).toBe('FORBIDDEN')
    expect(await codeOf(zoe.totp.disable({ code: '000000' }))).toBe('FORBIDDEN')
    expect(await codeOf(server.client.sessions.create({ username: 'alice', password: newPassword }))).toBe(
      'UNAUTHENTICATED',
    )
    // Other operations are not affected.
    const root = await withToken(server, 'root')
    await root.users.setRole({ user: 'zoe', role: 'user' })
    await root.keys.list()
    await root.users.setDisabled({ user: 'zoe', disabled: false })
    const [webhook] = (await root.webhooks.list()).items
    const { disabledReason } = await root.webhooks.update({ webhookId: webhook?.id ?? '', enabled: false })
    expect(disabledReason).toBe('admin')
    // Nor are other credentials.
    const { token } = await server.client.sessions.create({ username: 'bob', password })
    const bob = createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
    await bob.passwords.set({ user: 'bob', currentPassword: password, newPassword })
  })

  test('creates them if the setting allows it', async () => {
    await using server = await start(using, { ...userTokens, grantLastingAccess: true })
    for (const call of Object.values(calls)) await call(server)
    await server.client.sessions.create({ username: 'alice', password: newPassword })
  })
})

test('SOTTO_JWT_LASTING_ACCESS is off by default', () => {
  const env = { SOTTO_JWT_SECRET: SECRET }
  expect(readConfig(env).userTokens?.grantLastingAccess).toBe(false)
  expect(readConfig({ ...env, SOTTO_JWT_LASTING_ACCESS: 'on' }).userTokens?.grantLastingAccess).toBe(true)
  expect(() => readConfig({ ...env, SOTTO_JWT_LASTING_ACCESS: 'yes' })).toThrow('SOTTO_JWT_LASTING_ACCESS')
})
