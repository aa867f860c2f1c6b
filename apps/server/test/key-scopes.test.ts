import { createClient, type SottoClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf, rest, totpCode } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

type Scope = 'read' | 'write' | 'admin'

const newPassword = 'battery staple'
const password = 'correct horse'
const all = ['read', 'write', 'admin'] as const
const subsets: Scope[][] = [
  ['read'],
  ['write'],
  ['admin'],
  ['read', 'write'],
  ['read', 'admin'],
  ['write', 'admin'],
  [...all],
]

/** `root` is an admin without a password, `boss` one with a password, `ann` and `bob` are users. */
async function start(using: 'sqlite' | 'postgres'): Promise<TestServer> {
  const server = await createTestServer({
    using,
    users: ['root', { username: 'boss', password }, 'ann', { username: 'bob', password }],
  })
  for (const user of ['root', 'boss']) await server.client.users.setRole({ user, role: 'admin' })
  return server
}

interface Keys {
  bare: SottoClient
  as(user: string): SottoClient
}

async function keyWith({ client, url, fetch }: TestServer, scopes: Scope[]): Promise<Keys> {
  const { key } = await client.keys.create({ name: scopes.join(), scopes })
  const bare = createClient({ url, token: key, fetch, retries: 0 })
  return { bare, as: (user) => bare.as(user) }
}

let count = 0
const unique = () => `someone${++count}`

/** Calls by which a key could gain what it must not have, and the scopes that they need. */
const calls: {
  name: string
  needs: Scope[]
  call: (key: Keys, server: TestServer) => PromiseLike<unknown>
}[] = [
  {
    name: 'setting the password of a user',
    needs: ['read', 'write'],
    call: ({ bare }) => bare.passwords.set({ user: 'ann', newPassword }),
  },
  {
    name: 'setting the password of a user as the user',
    needs: ['read', 'write'],
    call: async ({ as }, { client }) => {
      const { username } = await client.users.create({ username: unique() })
      await as(username).passwords.set({ user: username, newPassword })
    },
  },
  {
    name: 'setting the password of an admin',
    needs: [...all],
    call: ({ bare }) => bare.passwords.set({ user: 'boss', newPassword: password }),
  },
  {
    name: 'setting the password of an admin as the admin',
    needs: [...all],
    call: async ({ as }, { client }) => {
      const { username } = await client.users.create({ username: unique() })
      await client.users.setRole({ user: username, role: 'admin' })
      await as(username).passwords.set({ user: username, newPassword })
    },
  },
  {
    name: 'creating a user with a password',
    needs: ['read', 'write'],
    call: ({ bare }) => bare.users.create({ username: unique(), password }),
  },
  {
    name: 'starting two-factor authentication as a user',
    needs: ['read', 'write'],
    call: ({ as }) => as('ann').totp.start(),
  },
  {
    name: 'starting two-factor authentication as an admin',
    needs: [...all],
    call: ({ as }) => as('root').totp.start(),
  },
  {
    name: 'confirming two-factor authentication as an admin',
    needs: [...all],
    call: async ({ as }, { client, clock }) => {
      const { username } = await client.users.create({ username: unique() })
      await client.users.setRole({ user: username, role: 'admin' })
      const { secret } = await client.as(username).totp.start()
      await as(username).totp.confirm({ code: totpCode(secret, clock.now()) })
    },
  },
  {
    name: 'turning off two-factor authentication as an admin',
    needs: [...all],
    call: async ({ as }, { client, clock }) => {
      const { username } = await client.users.create({ username: unique() })
      await client.users.setRole({ user: username, role: 'admin' })
      const { secret } = await client.as(username).totp.start()
      const { recoveryCodes } = await client
        .as(username)
        .totp.confirm({ code: totpCode(secret, clock.now()) })
      await as(username).totp.disable({ recoveryCode: recoveryCodes[0] ?? '' })
    },
  },
  {
    name: 'issuing a password reset',
    needs: [...all],
    call: ({ bare }) => bare.passwords.issueReset({ user: 'ann' }),
  },
  {
    name: 'issuing an invitation',
    needs: [...all],
    call: ({ bare }) => bare.invitations.create({}),
  },
  {
    name: 'making a user an admin',
    needs: [...all],
    call: async ({ bare }, { client }) => {
      const { id } = await client.users.create({ username: unique() })
      await bare.users.setRole({ user: id, role: 'admin' })
    },
  },
  {
    name: 'turning off two-factor authentication of a user',
    needs: [...all],
    call: ({ bare }) => bare.totp.remove({ user: 'ann' }),
  },
  {
    name: 'enabling a user',
    needs: ['admin'],
    call: ({ bare }) => bare.users.setDisabled({ user: 'ann', disabled: false }),
  },
  {
    name: 'enabling an admin',
    needs: [...all],
    call: ({ bare }) => bare.users.setDisabled({ user: 'boss', disabled: false }),
  },
  {
    name: 'creating a user with an external id',
    needs: ['read', 'write'],
    call: ({ bare }) => bare.users.create({ username: unique(), externalId: unique() }),
  },
  {
    name: 'putting a user',
    needs: ['read', 'write'],
    call: ({ bare }) => bare.users.put({ user: `ext:${unique()}` }),
  },
  {
    name: 'giving a user an external id',
    needs: ['read', 'write'],
    call: ({ bare }) => bare.users.update({ user: 'ann', externalId: unique() }),
  },
  {
    name: 'giving an admin an external id',
    needs: [...all],
    call: ({ bare }) => bare.users.update({ user: 'boss', externalId: unique() }),
  },
  {
    name: 'giving an admin an external id by their username',
    needs: [...all],
    call: async ({ bare }, { client }) => {
      const { username } = await client.users.create({ username: unique() })
      await client.users.setRole({ user: username, role: 'admin' })
      await bare.users.put({ user: `ext:${username}` })
    },
  },
  {
    name: 'removing the external id of a user',
    needs: ['write'],
    call: ({ bare }) => bare.users.update({ user: 'ann', externalId: null }),
  },
  {
    name: 'removing the external id of an admin',
    needs: ['write', 'admin'],
    call: ({ bare }) => bare.users.update({ user: 'boss', externalId: null }),
  },
  {
    name: 'erasing a user',
    needs: ['write'],
    call: async ({ bare }, { client }) => {
      const { id } = await client.users.create({ username: unique() })
      await bare.users.erase({ user: id })
    },
  },
  ...(['bare', 'as the admin'] as const).map((how) => ({
    name: `erasing an admin, ${how}`,
    needs: ['write', 'admin'] satisfies Scope[] as Scope[],
    call: async ({ bare, as }: Keys, { client }: TestServer) => {
      const { id } = await client.users.create({ username: unique() })
      await client.users.setRole({ user: id, role: 'admin' })
      await (how === 'bare' ? bare : as(id)).users.erase({ user: id })
    },
  })),
  {
    name: 'ending a session of an admin as the admin',
    needs: ['write', 'admin'],
    call: async ({ as }, { client, url, fetch }) => {
      const { token } = await client.sessions.create({ username: 'boss', password })
      const boss = createClient({ url, token, fetch, retries: 0 })
      const current = (await boss.sessions.list()).items.find((session) => session.current)
      await as('boss').sessions.revoke({ sessionId: current?.id ?? '' })
    },
  },
  {
    name: 'inspecting messages',
    needs: ['read', 'admin'],
    call: async ({ bare }, { client }) => {
      const { conversationId } = await client.as('ann').messages.send({ to: 'bob', text: 'hi' })
      await bare.inspection.messages({ conversationId })
    },
  },
  {
    name: 'receiving messages with a new webhook',
    needs: ['read', 'admin'],
    call: async ({ bare }, { client }) => {
      for (const { id } of (await client.webhooks.list()).items)
        await client.webhooks.delete({ webhookId: id })
      await bare.webhooks.create({ url: 'https://hooks.example/new' })
    },
  },
  {
    name: 'redirecting a webhook',
    needs: ['read', 'admin'],
    call: async ({ bare }, { client }) => {
      for (const { id } of (await client.webhooks.list()).items)
        await client.webhooks.delete({ webhookId: id })
      const { id } = await client.webhooks.create({ url: 'https://hooks.example/old' })
      await bare.webhooks.update({ webhookId: id, url: 'https://hooks.example/redirected' })
    },
  },
  {
    name: 'creating a key with other scopes',
    needs: [...all],
    call: ({ bare }) => bare.keys.create({ name: 'more', scopes: [...all] }),
  },
]

describe.each(dialects)('a key on %s', (using) => {
  test('never gains more than its scopes, and neither do the users it acts for', {
    timeout: 60_000,
  }, async () => {
    await using server = await start(using)
    const found: Record<string, string> = {}
    const expected: Record<string, string> = {}
    const keys = new Map<string, Keys>()
    for (const scopes of subsets) keys.set(scopes.join(), await keyWith(server, scopes))
    for (const { name, needs, call } of calls) {
      const tooFew = needs.map((missing) => all.filter((scope) => scope !== missing))
      for (const scopes of [needs, ...tooFew]) {
        const key = keys.get(scopes.join())
        if (!key) throw new Error(`no key with ${scopes.join()}`)
        const attempt = `${name} with ${scopes.join(', ')}`
        expected[attempt] = scopes === needs ? 'ok' : 'FORBIDDEN'
        found[attempt] = await Promise.resolve(call(key, server)).then(
          () => 'ok',
          (error) => error.code,
        )
      }
    }
    expect(found).toEqual(expected)
    // Leaves nothing behind: the admin still has no password and no second factor.
    expect(await server.as('root').users.me()).toMatchObject({ role: 'admin', secondFactor: false })
  })

  test('gets an error that names the missing scopes', async () => {
    await using server = await start(using)
    const { as } = await keyWith(server, ['write'])
    expect(await failureOf(as('root').passwords.set({ user: 'root', newPassword }))).toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('missing required scope: read'),
    })
    const readWrite = await keyWith(server, ['read', 'write'])
    expect(await failureOf(readWrite.as('root').passwords.set({ user: 'root', newPassword }))).toMatchObject({
      message: expect.stringContaining('missing required scope: admin'),
    })
    const answer = await rest(server, 'POST /v1/sessions', {
      authorization: null,
      json: { username: 'root', password: newPassword },
    })
    expect(answer.status).toBe(401)
  })

  test('of an admin has only the scope admin, so that no conversation is read without an audit entry', async () => {
    await using server = await start(using)
    const { token } = await server.client.sessions.create({ username: 'boss', password })
    const boss = createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
    for (const scopes of subsets.filter((list) => list.join() !== 'admin')) {
      expect(await codeOf(boss.keys.create({ name: 'mine', scopes })), scopes.join()).toBe('FORBIDDEN')
    }
    const { key } = await boss.keys.create({ name: 'mine', scopes: ['admin'] })
    const own = createClient({ url: server.url, token: key, fetch: server.fetch, retries: 0 })
    const { conversationId } = await server.as('ann').messages.send({ to: 'bob', text: 'hi' })
    for (const call of [
      () => own.messages.list(),
      () => own.conversations.messages({ conversationId }),
      () => own.inspection.messages({ conversationId }),
      () => own.as('ann').conversations.list(),
      () => own.keys.create({ name: 'more', scopes: ['read'] }),
      () => own.webhooks.create({ url: 'https://hooks.example/mine' }),
    ]) {
      expect(await codeOf(call()), String(call)).toBe('FORBIDDEN')
    }
  })
})
