import { createClient } from '@sotto/sdk'
import { createServer, memoryLogger, readConfig } from '@sotto/server'
import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, createEmptyDatabase, dialects, rest, sotto } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'a long and quiet evening'
const settings = { webClient: true } as const
const HOUR_MS = 3_600_000

function post(server: TestServer, action: 'admin' | 'demo', json: object) {
  return rest(server, `POST /v1/setup/${action}`, { authorization: null, json })
}

function tokenOf({ setupToken }: TestServer): string {
  if (setupToken === undefined) throw new Error('the server did not issue a setup token')
  return setupToken
}

function clientOf(server: TestServer, token: string) {
  return createClient({ url: server.url, fetch: server.fetch, token, retries: 0 })
}

async function actionsOf(server: TestServer): Promise<string[]> {
  const { items } = await server.client.audit.list()
  return items.map(({ action, subjectId }) => `${action} ${subjectId ?? ''}`.trim()).toReversed()
}

const rejected = { status: 400, body: { code: 'INVALID_INPUT', issues: [{ path: 'token' }] } }

describe.each(dialects)('the first account on %s', (using) => {
  test('is an admin, and can be created once with the setup token', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    expect(await server.client.setup.get()).toEqual({ open: true })
    expect(await post(server, 'admin', { token: 'su_guessed', username: 'eve', password })).toMatchObject(
      rejected,
    )

    const created = await post(server, 'admin', { token, username: 'ada', password, displayName: 'Ada' })
    expect(created).toMatchObject({ status: 201, body: { username: 'ada', displayName: 'Ada' } })
    const session = await server.client.sessions.create({ username: 'ada', password })
    const ada = clientOf(server, session.token ?? '')
    expect(await ada.users.me()).toMatchObject({ username: 'ada', role: 'admin' })

    expect(await server.client.setup.get()).toEqual({ open: false })
    expect(await post(server, 'admin', { token, username: 'eve', password })).toMatchObject(rejected)
    expect(await post(server, 'demo', { token })).toMatchObject(rejected)
    expect(await actionsOf(server)).toEqual(['setup.link_issued', `setup.admin_created ${session.user.id}`])
  })

  test('is created once, even by concurrent requests', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const responses = await Promise.all(
      Array.from({ length: 4 }, (_, n) => post(server, 'admin', { token, username: `user-${n}`, password })),
    )
    expect(responses.map(({ status }) => status).toSorted()).toEqual([201, 400, 400, 400])
    expect((await server.client.users.list()).items).toHaveLength(1)
  })

  test('can still be created after a rejected request', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const weak = await post(server, 'admin', { token, username: 'ada', password: 'password' })
    expect(weak).toMatchObject({ status: 400, body: { issues: [{ path: 'password' }] } })
    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
  })

  test('cannot be created with a token that is a day old, or once there is an admin', async () => {
    await using old = await createTestServer({ using, settings })
    old.clock.advance(24 * HOUR_MS)
    expect(await post(old, 'admin', { token: tokenOf(old), username: 'ada', password })).toMatchObject(
      rejected,
    )
    expect(await post(old, 'demo', { token: tokenOf(old) })).toMatchObject(rejected)
    // There is still no user.
    expect(await old.client.setup.get()).toEqual({ open: true })

    await using used = await createTestServer({ using, settings, users: ['alice'] })
    await used.client.users.setRole({ user: 'alice', role: 'admin' })
    expect(await used.client.setup.get()).toEqual({ open: false })
    expect(await post(used, 'admin', { token: tokenOf(used), username: 'ada', password })).toMatchObject(
      rejected,
    )
    expect(await post(used, 'demo', { token: tokenOf(used) })).toMatchObject(rejected)
    expect((await used.client.users.list()).items.map(({ username }) => username)).toEqual(['alice'])
  })

  test('can still be created after the back end has created users and sent messages', async () => {
    await using server = await createTestServer({ using, settings })
    await server.client.users.create({ username: 'alice' })
    await server.client.users.create({ username: 'bob', password })
    await server.client.messages.send({ from: 'alice', to: 'bob', text: 'Hello, Bob!' })
    expect(await server.client.setup.get()).toEqual({ open: true })
    const token = tokenOf(server)
    expect((await post(server, 'demo', { token })).status).toBe(200)
    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
    expect(await server.client.setup.get()).toEqual({ open: false })
    // Once the token has expired, only an installation without users still offers it.
    await using late = await createTestServer({ using, settings, users: ['alice'] })
    late.clock.advance(24 * HOUR_MS)
    expect(await late.client.setup.get()).toEqual({ open: false })
  })

  test('has no setup token without the web client', async () => {
    await using server = await createTestServer({ using })
    expect(server.setupToken).toBeUndefined()
  })
})

describe.each(dialects)('the demo on %s', (using) => {
  test('signs in two users who can message each other, and ends with the first account', async () => {
    await using server = await createTestServer({ using, settings })
    server.clock.set(server.clock.now())
    const token = tokenOf(server)
    const { people, expiresAt } = await server.client.setup.openDemo({ token })
    expect(people.map(({ username }) => username)).toEqual(['amira', 'jonas'])
    expect(expiresAt).toEqual(new Date(server.clock.now().getTime() + 24 * HOUR_MS))
    const [amira, jonas] = people.map((person) => clientOf(server, person.token))
    if (!amira || !jonas) throw new Error('the demo must have two users')

    const [last] = (await amira.conversations.list()).items
    // The sample data is recent, whatever the date.
    expect(last?.updatedAt.getTime()).toBeGreaterThan(server.clock.now().getTime() - 60 * 24 * HOUR_MS)
    const { items } = await jonas.messages.between(['amira', 'jonas'])
    expect(items.length).toBeGreaterThan(5)
    const message = await amira.messages.send({ to: 'jonas', text: 'From the left to the right' })
    expect((await jonas.messages.get({ messageId: message.id })).text).toBe('From the left to the right')
    expect((await amira.users.me()).role).toBe('user')
    expect(await codeOf(server.client.sessions.create({ username: 'amira', password: '' }))).toBe(
      'UNAUTHENTICATED',
    )

    // Opening it again keeps the users and their messages.
    const again = await server.client.setup.openDemo({ token })
    const amiraAgain = clientOf(server, again.people[0]?.token ?? '')
    expect((await amiraAgain.messages.get({ messageId: message.id })).text).toBe(message.text)
    expect((await server.client.users.list()).items).toHaveLength(12)
    expect(await server.client.setup.get()).toEqual({ open: true })

    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
    expect(await codeOf(amiraAgain.users.me())).toBe('UNAUTHENTICATED')
    expect(await post(server, 'demo', { token })).toMatchObject(rejected)
    const actions = (await actionsOf(server)).map((action) => action.split(' ')[0])
    expect(actions.filter((action) => action?.startsWith('setup.')).toSorted()).toEqual([
      'setup.admin_created',
      'setup.demo_opened',
      'setup.link_issued',
    ])
  })

  test('is filled with sample data once, even by concurrent requests', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const responses = await Promise.all(Array.from({ length: 3 }, () => post(server, 'demo', { token })))
    expect(responses.map(({ status }) => status).toSorted()).toEqual([200, 503, 503])
    expect((await server.client.users.list()).items).toHaveLength(12)
    expect((await post(server, 'demo', { token })).status).toBe(200)
  })

  test('works if only contacts can send direct messages', async () => {
    await using server = await createTestServer({
      using,
      settings: { ...settings, directMessages: 'contacts' },
    })
    const { people } = await server.client.setup.openDemo({ token: tokenOf(server) })
    const amira = clientOf(server, people[0]?.token ?? '')
    expect((await amira.messages.send({ to: 'jonas', text: 'Hello' })).text).toBe('Hello')
  })

  test('works with a low maximum text length', async () => {
    await using server = await createTestServer({ using, settings: { ...settings, maxTextLength: 20 } })
    expect((await post(server, 'demo', { token: tokenOf(server) })).status).toBe(200)
  })

  test('leaves neither credentials nor profile changes that outlive it', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const { people } = await server.client.setup.openDemo({ token })
    const amira = clientOf(server, people[0]?.token ?? '')
    const calls: (() => PromiseLike<unknown>)[] = [
      () => amira.passwords.set({ user: 'amira', newPassword: password }),
      () => amira.totp.start(),
      () => amira.users.erase({ user: 'amira' }),
      () => amira.users.update({ user: 'amira', displayName: 'Read this: example.org' }),
      () => amira.users.update({ user: 'amira', email: 'thief@example.com' }),
      () => amira.users.update({ user: 'amira', avatarUrl: 'https://example.org/seen.png' }),
    ]
    for (const call of calls) expect(await codeOf(call())).toBe('FORBIDDEN')
    expect(await server.client.setup.get()).toEqual({ open: true })
    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
    expect((await server.client.users.get({ user: 'amira' })).displayName).toBe('Amira Haddad')
    // She is now a regular user, whose password an operator can set.
    await server.client.passwords.set({ user: 'amira', newPassword: password })
    expect((await server.client.sessions.create({ username: 'amira', password })).user.username).toBe('amira')
  })

  test('never signs in as a user who has the name of one of its own', async () => {
    await using server = await createTestServer({ using, settings, users: ['jonas'] })
    const token = tokenOf(server)
    expect(await post(server, 'demo', { token })).toMatchObject({
      status: 409,
      body: { code: 'USERNAME_TAKEN', detail: expect.stringContaining('jonas') },
    })
    expect((await server.client.users.list()).items).toHaveLength(1)
    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
  })

  test('continues while the back end creates users and sets their passwords', async () => {
    await using server = await createTestServer({ using, settings })
    const { people } = await server.client.setup.openDemo({ token: tokenOf(server) })
    const amira = clientOf(server, people[0]?.token ?? '')
    await server.client.users.create({ username: 'ada' })
    await server.client.passwords.set({ user: 'ada', newPassword: password })
    expect((await amira.users.me()).username).toBe('amira')
    expect((await post(server, 'demo', { token: tokenOf(server) })).status).toBe(200)
  })

  test.each([
    [
      'someone signs up',
      (server: TestServer) =>
        createClient({ url: server.url, fetch: server.fetch }).users.create({ username: 'ada', password }),
    ],
    [
      'a demo user gets a password',
      (server: TestServer) => server.client.passwords.set({ user: 'jonas', newPassword: password }),
    ],
    [
      'a demo user becomes an admin',
      (server: TestServer) => server.client.users.setRole({ user: 'amira', role: 'admin' }),
    ],
    [
      'another user becomes an admin',
      async (server: TestServer) => {
        await server.client.users.create({ username: 'ada' })
        await server.client.users.setRole({ user: 'ada', role: 'admin' })
      },
    ],
  ])('ends when %s', async (_, change) => {
    await using server = await createTestServer({ using, settings: { ...settings, signUp: 'open' } })
    const token = tokenOf(server)
    const { people } = await server.client.setup.openDemo({ token })
    await change(server)
    // It does not start again: its users are now like any others.
    expect((await post(server, 'demo', { token })).status).toBeGreaterThanOrEqual(400)
    for (const person of people) {
      await expect.poll(() => codeOf(clientOf(server, person.token).users.me())).toBe('UNAUTHENTICATED')
    }
  })

  test('signs no one in if the first account is created while it is being filled', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const opening = post(server, 'demo', { token })
    await expect
      .poll(async () => (await server.client.users.list()).items.length, { interval: 5 })
      .toBeGreaterThan(0)
    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
    expect(await opening).toMatchObject(rejected)
  })
})

test('only one of several servers on an empty PostgreSQL creates the first key and the setup token', async () => {
  await using database = await createEmptyDatabase('postgres')
  await sotto(['migrate'], { DATABASE_URL: database.url })
  const config = { ...readConfig({ DATABASE_URL: database.url }), ...settings, port: 0, databasePoolSize: 2 }
  const servers = await Promise.all(
    Array.from({ length: 8 }, () => createServer(config, { log: memoryLogger([]) })),
  )
  const created = servers.map(({ newServiceKey, setupToken }) => [newServiceKey, setupToken])
  for (const server of servers) await server.close()
  expect(created.filter(([key]) => key !== undefined)).toHaveLength(1)
  expect(created.filter(([, token]) => token !== undefined)).toHaveLength(1)
})
