import { createClient } from '@sotto/sdk'
import { createServer, memoryLogger, readConfig } from '@sotto/server'
import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, createEmptyDatabase, dialects, rest, sotto } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'a long and quiet evening'
const settings = { webClient: true } as const
const HOUR_MS = 3_600_000

function post(server: TestServer, what: 'admin' | 'demo', json: object) {
  return rest(server, `POST /v1/setup/${what}`, { authorization: null, json })
}

function tokenOf({ setupToken }: TestServer): string {
  if (setupToken === undefined) throw new Error('this start has made no token')
  return setupToken
}

function clientOf(server: TestServer, token: string) {
  return createClient({ url: server.url, fetch: server.fetch, token, retries: 0 })
}

async function actionsOf(server: TestServer): Promise<string[]> {
  const { items } = await server.client.audit.list()
  return items.map(({ action, subjectId }) => `${action} ${subjectId ?? ''}`.trim()).toReversed()
}

const refused = { status: 400, body: { code: 'INVALID_INPUT', issues: [{ path: 'token' }] } }

describe.each(dialects)('the first account on %s', (using) => {
  test('is an admin, made once by who has the token', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    expect(await server.client.setup.get()).toEqual({ open: true })
    expect(await post(server, 'admin', { token: 'su_guessed', username: 'eve', password })).toMatchObject(
      refused,
    )

    const made = await post(server, 'admin', { token, username: 'ada', password, displayName: 'Ada' })
    expect(made).toMatchObject({ status: 201, body: { username: 'ada', displayName: 'Ada' } })
    const session = await server.client.sessions.create({ username: 'ada', password })
    const ada = clientOf(server, session.token ?? '')
    expect(await ada.users.me()).toMatchObject({ username: 'ada', role: 'admin' })

    expect(await server.client.setup.get()).toEqual({ open: false })
    expect(await post(server, 'admin', { token, username: 'eve', password })).toMatchObject(refused)
    expect(await post(server, 'demo', { token })).toMatchObject(refused)
    expect(await actionsOf(server)).toEqual(['setup.link_issued', `setup.admin_created ${session.user.id}`])
  })

  test('is one, however many come at once', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, n) => post(server, 'admin', { token, username: `user-${n}`, password })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 400, 400, 400])
    expect((await server.client.users.list()).items).toHaveLength(1)
  })

  test('does not use the token up where it is refused', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const weak = await post(server, 'admin', { token, username: 'ada', password: 'password' })
    expect(weak).toMatchObject({ status: 400, body: { issues: [{ path: 'password' }] } })
    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
  })

  test('is not made with a token that is a day old, or when somebody is there', async () => {
    await using old = await createTestServer({ using, settings })
    old.clock.advance(24 * HOUR_MS)
    expect(await post(old, 'admin', { token: tokenOf(old), username: 'ada', password })).toMatchObject(
      refused,
    )
    expect(await post(old, 'demo', { token: tokenOf(old) })).toMatchObject(refused)
    // Still nobody is there.
    expect(await old.client.setup.get()).toEqual({ open: true })

    await using used = await createTestServer({ using, settings, users: ['alice'] })
    expect(await used.client.setup.get()).toEqual({ open: false })
    expect(await post(used, 'admin', { token: tokenOf(used), username: 'ada', password })).toMatchObject(
      refused,
    )
    expect(await post(used, 'demo', { token: tokenOf(used) })).toMatchObject(refused)
    expect((await used.client.users.list()).items.map(({ username }) => username)).toEqual(['alice'])
  })

  test('is not offered by a server without the web client', async () => {
    await using server = await createTestServer({ using })
    expect(server.setupToken).toBeUndefined()
  })
})

describe.each(dialects)('the demo on %s', (using) => {
  test('logs two people in who talk to each other, and lasts until there is an account', async () => {
    await using server = await createTestServer({ using, settings })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const token = tokenOf(server)
    const { people, expiresAt } = await server.client.setup.openDemo({ token })
    expect(people.map(({ username }) => username)).toEqual(['amira', 'jonas'])
    expect(expiresAt).toEqual(new Date('2026-05-02T10:00:00.000Z'))
    const [amira, jonas] = people.map((person) => clientOf(server, person.token))
    if (!amira || !jonas) throw new Error('the demo is two people')

    const [last] = (await amira.conversations.list()).items
    // It happened lately, whatever the day.
    expect(last?.updatedAt.getTime()).toBeGreaterThan(Date.parse('2026-03-01'))
    const { items } = await jonas.messages.between(['amira', 'jonas'])
    expect(items.length).toBeGreaterThan(5)
    const message = await amira.messages.send({ to: 'jonas', text: 'From the left to the right' })
    expect((await jonas.messages.get({ messageId: message.id })).text).toBe('From the left to the right')
    expect((await amira.users.me()).role).toBe('user')
    expect(await codeOf(server.client.sessions.create({ username: 'amira', password: '' }))).toBe(
      'UNAUTHENTICATED',
    )

    // Loaded again: the same people, and what was said since.
    const again = await server.client.setup.openDemo({ token })
    const amiraAgain = clientOf(server, again.people[0]?.token ?? '')
    expect((await amiraAgain.messages.get({ messageId: message.id })).text).toBe(message.text)
    expect((await server.client.users.list()).items).toHaveLength(12)
    expect(await server.client.setup.get()).toEqual({ open: true })

    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
    expect(await codeOf(amiraAgain.users.me())).toBe('UNAUTHENTICATED')
    expect(await post(server, 'demo', { token })).toMatchObject(refused)
    const acts = (await actionsOf(server)).map((act) => act.split(' ')[0])
    expect(acts.filter((act) => act?.startsWith('setup.')).toSorted()).toEqual([
      'setup.admin_created',
      'setup.demo_opened',
      'setup.link_issued',
    ])
  })

  test('is filled once, however many ask for it', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const answers = await Promise.all(Array.from({ length: 3 }, () => post(server, 'demo', { token })))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 503, 503])
    expect((await server.client.users.list()).items).toHaveLength(12)
    expect((await post(server, 'demo', { token })).status).toBe(200)
  })

  test('is as well there where direct messages go between contacts alone', async () => {
    await using server = await createTestServer({
      using,
      settings: { ...settings, directMessages: 'contacts' },
    })
    const { people } = await server.client.setup.openDemo({ token: tokenOf(server) })
    const amira = clientOf(server, people[0]?.token ?? '')
    expect((await amira.messages.send({ to: 'jonas', text: 'Hello' })).text).toBe('Hello')
  })

  test('is as well there where texts are to be short', async () => {
    await using server = await createTestServer({ using, settings: { ...settings, maxTextLength: 20 } })
    expect((await post(server, 'demo', { token: tokenOf(server) })).status).toBe(200)
  })

  test('leaves nobody a way in that outlives it', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const { people } = await server.client.setup.openDemo({ token })
    const amira = clientOf(server, people[0]?.token ?? '')
    const calls: (() => PromiseLike<unknown>)[] = [
      () => amira.passwords.set({ user: 'amira', newPassword: password }),
      () => amira.totp.start(),
      () => amira.users.erase({ user: 'amira' }),
    ]
    for (const call of calls) expect(await codeOf(call())).toBe('FORBIDDEN')
    expect(await server.client.setup.get()).toEqual({ open: true })
    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
    // She is a user like others now, for whom an operator may do what operators do.
    await server.client.passwords.set({ user: 'amira', newPassword: password })
    expect((await server.client.sessions.create({ username: 'amira', password })).user.username).toBe('amira')
  })

  test.each([
    ['somebody else comes', (server: TestServer) => server.client.users.create({ username: 'ada' })],
    [
      'one of its people gets a password',
      (server: TestServer) => server.client.passwords.set({ user: 'jonas', newPassword: password }),
    ],
    [
      'one of its people becomes an admin',
      (server: TestServer) => server.client.users.setRole({ user: 'amira', role: 'admin' }),
    ],
  ])('ends when %s', async (_, happen) => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const { people } = await server.client.setup.openDemo({ token })
    await happen(server)
    expect(await server.client.setup.get()).toEqual({ open: false })
    expect(await post(server, 'demo', { token })).toMatchObject(refused)
    expect(await post(server, 'admin', { token, username: 'eve', password })).toMatchObject(refused)
    for (const person of people) {
      await expect.poll(() => codeOf(clientOf(server, person.token).users.me())).toBe('UNAUTHENTICATED')
    }
  })

  test('logs nobody in when the first account is made while it is filled', async () => {
    await using server = await createTestServer({ using, settings })
    const token = tokenOf(server)
    const opening = post(server, 'demo', { token })
    await expect
      .poll(async () => (await server.client.users.list()).items.length, { interval: 5 })
      .toBeGreaterThan(0)
    expect((await post(server, 'admin', { token, username: 'ada', password })).status).toBe(201)
    expect(await opening).toMatchObject(refused)
  })
})

test('of servers that come at once to an empty PostgreSQL one makes the first key and the token', async () => {
  await using database = await createEmptyDatabase('postgres')
  await sotto(['migrate'], { DATABASE_URL: database.url })
  const config = { ...readConfig({ DATABASE_URL: database.url }), ...settings, port: 0, databasePoolSize: 2 }
  const servers = await Promise.all(
    Array.from({ length: 8 }, () => createServer(config, { log: memoryLogger([]) })),
  )
  const ways = servers.map(({ newServiceKey, setupToken }) => [newServiceKey, setupToken])
  for (const server of servers) await server.close()
  expect(ways.filter(([key]) => key !== undefined)).toHaveLength(1)
  expect(ways.filter(([, token]) => token !== undefined)).toHaveLength(1)
})
