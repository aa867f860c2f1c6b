import { createClient, type SottoClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { basic, codeOf, dialects, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
const users = [
  { username: 'alice', password, email: 'alice@example.com' },
  { username: 'bob', password, email: 'bob@example.com' },
]

async function signIn(server: TestServer, username: string): Promise<SottoClient> {
  const { token } = await server.client.sessions.create({ username, password })
  return createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
}

describe.each(dialects)('roles on %s', (using) => {
  test('are shown to their users and take effect immediately', async () => {
    await using server = await createTestServer({ using, users })
    const alice = await signIn(server, 'alice')
    expect(await alice.users.me()).toEqual({
      ...(await alice.users.get({ user: 'alice' })),
      email: 'alice@example.com',
      role: 'user',
      disabled: false,
      secondFactor: false,
      lastWrongCodeAt: null,
    })
    expect(await codeOf(alice.users.setRole({ user: 'alice', role: 'admin' }))).toBe('FORBIDDEN')
    expect((await server.client.users.setRole({ user: 'alice', role: 'admin' })).role).toBe('admin')
    const bob = await alice.users.setRole({ user: 'bob', role: 'admin' })
    expect(bob.role).toBe('admin')
    // An admin manages accounts, but does not see private fields.
    expect(bob).not.toHaveProperty('email')
    await (await signIn(server, 'bob')).users.setRole({ user: 'alice', role: 'user' })
    expect(await codeOf(alice.users.setDisabled({ user: 'bob', disabled: true }))).toBe('FORBIDDEN')
    expect((await alice.users.me()).role).toBe('user')
    expect(await codeOf(server.client.users.setRole({ user: 'nobody', role: 'user' }))).toBe('USER_NOT_FOUND')
  })
})

describe.each(dialects)('the last admin on %s', (using) => {
  const waysOut: Record<string, (admin: SottoClient, user: string) => PromiseLike<unknown>> = {
    'be demoted': (admin, user) => admin.users.setRole({ user, role: 'user' }),
    'be disabled': (admin, user) => admin.users.setDisabled({ user, disabled: true }),
    'be erased': (admin, user) => admin.users.erase({ user }),
  }

  test.each(Object.entries(waysOut))('cannot %s, unless by a key', async (_, leave) => {
    await using server = await createTestServer({ using, users })
    await server.client.users.setRole({ user: 'alice', role: 'admin' })
    const alice = await signIn(server, 'alice')
    expect(await codeOf(leave(alice, 'alice'))).toBe('FORBIDDEN')
    if (leave === waysOut['be erased']) {
      expect(await codeOf(leave(server.as('alice'), 'alice'))).toBe('FORBIDDEN')
    }
    // A disabled admin does not count.
    await server.client.users.setRole({ user: 'bob', role: 'admin' })
    await server.client.users.setDisabled({ user: 'bob', disabled: true })
    expect(await codeOf(leave(alice, 'alice'))).toBe('FORBIDDEN')
    await server.client.users.setDisabled({ user: 'bob', disabled: false })
    await leave(alice, 'alice')
    await leave(server.client, 'bob')
  })

  test.each(Object.entries(waysOut))('remains if two admins want each other to %s', async (_, leave) => {
    await using server = await createTestServer({ using, users })
    for (const user of ['alice', 'bob']) await server.client.users.setRole({ user, role: 'admin' })
    const [alice, bob] = [await signIn(server, 'alice'), await signIn(server, 'bob')]
    const results = await Promise.allSettled([leave(alice, 'bob'), leave(bob, 'alice')])
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})

describe.each(dialects)('a disabled user on %s', (using) => {
  test('is signed out immediately, gets the response for a wrong password, and can sign in once enabled', async () => {
    await using server = await createTestServer({ using, users })
    const alice = await signIn(server, 'alice')
    const authorization = basic('alice', password)
    await rest(server, 'GET /v1/users', { authorization })
    expect(await server.client.users.setDisabled({ user: 'alice', disabled: true })).toMatchObject({
      disabled: true,
    })
    expect(await codeOf(alice.users.list())).toBe('UNAUTHENTICATED')
    expect((await rest(server, 'GET /v1/users', { authorization })).status).toBe(401)
    const attempt = async (shown: string) => {
      const { status, body } = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { 'x-request-id': 'same' },
        json: { username: 'alice', password: shown },
      })
      return { status, body }
    }
    const right = await attempt(password)
    expect(right).toMatchObject({ status: 401 })
    expect(right).toEqual(await attempt('wrong'))

    await server.client.users.setDisabled({ user: 'alice', disabled: false })
    await alice.users.list()
    await signIn(server, 'alice')
  })
})
