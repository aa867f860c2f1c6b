import { createClient, type SottoClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import {
  basic,
  codeOf,
  dialects,
  failureOf,
  type RunningServer,
  rest,
  startServer,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
const newPassword = 'battery staple'
const users = [{ username: 'alice', password }, { username: 'bob', password }, 'carol']
const HOUR_MS = 3_600_000

async function signIn(server: TestServer, username = 'alice', shown = password): Promise<SottoClient> {
  const { token } = await server.client.sessions.create({ username, password: shown })
  return createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
}

async function fieldOf(call: PromiseLike<unknown>): Promise<string[]> {
  const { code, issues } = await failureOf(call)
  return [code, ...issues.map(({ path }) => path)]
}

/** One password in every form that a keyboard or operating system may send. */
const FORMS = ['pässwörd lang', 'pässwörd lang'.normalize('NFD'), 'pässwörd\u00a0lang', 'pässwörd\u3000lang']

describe.each(dialects)('a password on %s', (using) => {
  test('is the same in every Unicode form, wherever it is set or checked', async () => {
    await using server = await createTestServer({ using })
    const { client } = server
    for (const [index, set] of FORMS.entries()) {
      const username = `user${index}`
      await client.users.create({ username, password: set })
      for (const shown of FORMS) {
        const user = await signIn(server, username, shown)
        const { status } = await rest(server, 'GET /v1/me', { authorization: basic(username, shown) })
        expect(status).toBe(200)
        await user.passwords.set({ user: username, currentPassword: shown, newPassword: set })
      }
      const { token } = await client.passwords.issueReset({ user: username })
      await client.passwords.reset({ token, newPassword: FORMS[1] ?? '' })
      await signIn(server, username, FORMS[0])
    }
    // Other characters stay different: neither case nor compatibility forms are folded.
    for (const other of ['Pässwörd lang', 'passwörd lang', 'pässwörd ｌang', 'pässwördlang']) {
      expect(await codeOf(signIn(server, 'user0', other))).toBe('UNAUTHENTICATED')
    }
    // Lengths are those of the form that is stored.
    const decomposed = 'é'.repeat(256).normalize('NFD')
    await client.users.create({ username: 'long', password: decomposed })
    await signIn(server, 'long', decomposed)
    const short = client.users.create({ username: 'short', password: 'é'.repeat(7).normalize('NFD') })
    expect(await fieldOf(short)).toEqual(['INVALID_INPUT', 'password'])
  })
})

describe.each(dialects)('changing a password on %s', (using) => {
  test('requires the current password, ends all other sessions and takes effect immediately', async () => {
    await using server = await createTestServer({ using, users })
    const [alice, elsewhere] = [await signIn(server), await signIn(server)]
    const authorization = basic('alice', password)
    expect((await rest(server, 'GET /v1/users', { authorization })).status).toBe(200)
    const { token } = await server.client.passwords.issueReset({ user: 'alice' })

    await alice.passwords.set({ user: 'alice', currentPassword: password, newPassword })
    await alice.users.list()
    expect(await codeOf(elsewhere.users.list())).toBe('UNAUTHENTICATED')
    expect((await rest(server, 'GET /v1/users', { authorization })).status).toBe(401)
    expect(await codeOf(signIn(server))).toBe('UNAUTHENTICATED')
    await signIn(server, 'alice', newPassword)
    // Reset tokens issued before the change are invalid.
    expect(await fieldOf(server.client.passwords.reset({ token, newPassword: password }))).toEqual([
      'INVALID_INPUT',
      'token',
    ])
  })

  test('is rejected with a missing, wrong or common password, and for other users', async () => {
    await using server = await createTestServer({ using, users })
    const alice = await signIn(server)
    const set = (change: { user?: string; currentPassword?: string; newPassword?: string }) =>
      alice.passwords.set({ user: 'alice', newPassword, ...change })
    expect(await fieldOf(set({}))).toEqual(['INVALID_INPUT', 'currentPassword'])
    expect(await fieldOf(set({ currentPassword: 'wrong' }))).toEqual(['INVALID_INPUT', 'currentPassword'])
    expect(await fieldOf(set({ currentPassword: password, newPassword: 'password1' }))).toEqual([
      'INVALID_INPUT',
      'newPassword',
    ])
    expect(await codeOf(set({ user: 'bob', currentPassword: password }))).toBe('FORBIDDEN')
    expect(await codeOf(server.as('alice').passwords.set({ user: 'bob', newPassword }))).toBe('FORBIDDEN')
    // A service key that acts for a user needs the current password too.
    expect(await fieldOf(server.as('alice').passwords.set({ user: 'alice', newPassword }))).toEqual([
      'INVALID_INPUT',
      'currentPassword',
    ])
    await signIn(server)
  })

  test("of an admin requires a key with the scope admin, because an admin's password gives admin access", async () => {
    await using server = await createTestServer({ using, users })
    await server.client.users.setRole({ user: 'bob', role: 'admin' })
    const { key } = await server.client.keys.create({ name: 'writer', scopes: ['read', 'write'] })
    const writer = createClient({ url: server.url, token: key, fetch: server.fetch, retries: 0 })
    await writer.passwords.set({ user: 'alice', newPassword })
    expect(await codeOf(writer.passwords.set({ user: 'bob', newPassword }))).toBe('FORBIDDEN')
    expect(await codeOf(writer.passwords.issueReset({ user: 'alice' }))).toBe('FORBIDDEN')
    await server.client.passwords.set({ user: 'bob', newPassword })
  })

  test('needs no current password with a bare key, or if the user has none', async () => {
    await using server = await createTestServer({ using, users })
    const alice = await signIn(server)
    await server.client.passwords.set({ user: 'alice', newPassword })
    expect(await codeOf(alice.users.list())).toBe('UNAUTHENTICATED')
    await signIn(server, 'alice', newPassword)
    await server.as('carol').passwords.set({ user: 'carol', newPassword })
    await signIn(server, 'carol', newPassword)
  })
})

/** Holds back password hashes until released. */
function holdHashes({ app }: RunningServer) {
  const { passwords } = app.identity
  const hash = passwords.hash.bind(passwords)
  const started = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  passwords.hash = async (text) => {
    started.resolve()
    await released.promise
    return hash(text)
  }
  const stop = () => {
    passwords.hash = hash
  }
  return { started: started.promise, stop, release: () => released.resolve() }
}

describe.each(dialects)('a password reset on %s', (using) => {
  test.each(['the user', 'a key', 'basic authentication'])(
    'is not overwritten by a change of %s that began earlier',
    async (who) => {
      await using server = await startServer(using)
      for (const username of ['alice', 'bob']) await server.client.users.create({ username, password })
      const { token: session } = await server.client.sessions.create({ username: 'alice', password })
      const { token } = await server.client.passwords.issueReset({ user: 'alice' })
      const authorizations: Record<string, string> = {
        'the user': `Bearer ${session}`,
        'a key': `Bearer ${server.serviceKey}`,
        'basic authentication': basic('alice', password),
      }
      const hashes = holdHashes(server)
      const change = fetch(`${server.url}/v1/users/alice/password`, {
        method: 'PUT',
        headers: { authorization: authorizations[who] ?? '', 'content-type': 'application/json' },
        body: JSON.stringify({ currentPassword: password, newPassword: 'chosen by a thief' }),
      })
      await hashes.started
      hashes.stop()
      await server.client.passwords.reset({ token, newPassword })
      hashes.release()
      expect((await change).ok).toBe(false)
      const signInWith = (shown: string) =>
        server.client.sessions.create({ username: 'alice', password: shown })
      await signInWith(newPassword)
      expect(await codeOf(signInWith('chosen by a thief'))).toBe('UNAUTHENTICATED')
    },
  )

  test('and changes of the same password at the same time leave exactly one of them', async () => {
    await using server = await startServer(using)
    await server.client.users.create({ username: 'alice', password })
    const { token } = await server.client.passwords.issueReset({ user: 'alice' })
    const wanted = Array.from({ length: 4 }, (_, n) => `battery staple ${n}`)
    const changes = await Promise.allSettled(
      wanted.map((to, n) =>
        n === 0
          ? server.client.passwords.reset({ token, newPassword: to })
          : server.client.passwords.set({ user: 'alice', newPassword: to }),
      ),
    )
    const accepted = wanted.filter((_, n) => changes[n]?.status === 'fulfilled')
    expect(accepted.length).toBeGreaterThan(0)
    const signIns = await Promise.allSettled(
      wanted.map((shown) => server.client.sessions.create({ username: 'alice', password: shown })),
    )
    const working = wanted.filter((_, n) => signIns[n]?.status === 'fulfilled')
    expect(working).toHaveLength(1)
    expect(accepted).toContain(working[0])
  })
})

describe.each(dialects)('a forgotten password on %s', (using) => {
  test('can be reset once per token, which ends every session', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const alice = await signIn(server)
    const { token, expiresAt } = await server.client.passwords.issueReset({ user: 'alice' })
    expect(token).toMatch(/^pr_[\w-]{43}$/)
    expect(expiresAt).toEqual(new Date('2026-05-01T11:00:00.000Z'))
    const reset = (json: object) => rest(server, 'POST /v1/password-resets', { authorization: null, json })

    // A rejected password does not use up the token.
    expect(await reset({ token, newPassword: 'iloveyou' })).toMatchObject({
      status: 400,
      body: { issues: [{ path: 'newPassword' }] },
    })
    expect((await reset({ token, newPassword })).status).toBe(204)
    expect(await codeOf(alice.users.list())).toBe('UNAUTHENTICATED')
    await signIn(server, 'alice', newPassword)
    expect(await reset({ token, newPassword: password })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_INPUT', issues: [{ path: 'token' }] },
    })
  })

  test('can be reset only with the latest token, for an hour, and by one of several concurrent calls', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const issue = async () => (await server.client.passwords.issueReset({ user: 'alice' })).token
    const reset = (token: string, to = newPassword) =>
      server.client.passwords.reset({ token, newPassword: to })
    const [first, second] = [await issue(), await issue()]
    expect(await codeOf(reset(first))).toBe('INVALID_INPUT')
    server.clock.advance(HOUR_MS)
    expect(await codeOf(reset(second))).toBe('INVALID_INPUT')
    const third = await issue()
    const tries = await Promise.allSettled(['one at a time', 'two at a time'].map((to) => reset(third, to)))
    expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  test('needs a reset token that only admins can issue', async () => {
    await using server = await createTestServer({ using, users })
    const bob = await signIn(server, 'bob')
    expect(await codeOf(bob.passwords.issueReset({ user: 'alice' }))).toBe('FORBIDDEN')
    expect(await codeOf(bob.passwords.issueReset({ user: 'bob' }))).toBe('FORBIDDEN')
    await server.client.users.setRole({ user: 'bob', role: 'admin' })
    await bob.passwords.issueReset({ user: 'alice' })
    expect(await codeOf(bob.passwords.issueReset({ user: 'nobody' }))).toBe('USER_NOT_FOUND')
  })
})
