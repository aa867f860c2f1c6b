import { createClient } from '@sotto/sdk'
import { createTestServer, type TestServer, type TestServerOptions } from '@sotto/testing'
import { basic, failureOf, type RestAnswer, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'
const users = ['alice', 'bob'].map((username) => ({ username, password: PASSWORD }))
const START = '2026-01-31T12:00:00.000Z'

type Limits = NonNullable<NonNullable<TestServerOptions['settings']>['limits']>

/** A server with a stopped clock: limits refill only when the test advances it. */
async function limitedServer(limits: Limits, options: TestServerOptions = {}): Promise<TestServer> {
  const server = await createTestServer({ users, ...options, settings: { ...options.settings, limits } })
  server.clock.set(START)
  return server
}

async function signIn(server: TestServer, username: string): Promise<string> {
  const { token } = await server.client.sessions.create({ username, password: PASSWORD })
  return `Bearer ${token}`
}

function send(server: TestServer, authorization: string, to = 'bob'): Promise<RestAnswer> {
  return rest(server, 'POST /v1/messages', { authorization, json: { to, text: 'hi' } })
}

async function times<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let index = 0; index < count; index++) results.push(await call(index))
  return results
}

const statusesOf = (answers: readonly { status: number }[]) => answers.map(({ status }) => status)

function fieldsOf({ headers }: { headers: Headers }) {
  return {
    policy: headers.get('ratelimit-policy'),
    limit: headers.get('ratelimit'),
    retryAfter: headers.get('retry-after'),
  }
}

test('limits the sends of a user per period, and refills evenly', async () => {
  await using server = await limitedServer({ sends: { count: 3, seconds: 10 } })
  const alice = await signIn(server, 'alice')
  const bob = await signIn(server, 'bob')

  const answers = await times(4, () => send(server, alice))
  expect(statusesOf(answers)).toEqual([201, 201, 201, 429])
  expect(answers.map(fieldsOf)).toEqual([
    { policy: '"sends";q=3;w=10', limit: '"sends";r=2;t=4', retryAfter: null },
    { policy: '"sends";q=3;w=10', limit: '"sends";r=1;t=4', retryAfter: null },
    { policy: '"sends";q=3;w=10', limit: '"sends";r=0;t=4', retryAfter: null },
    { policy: '"sends";q=3;w=10', limit: '"sends";r=0;t=4', retryAfter: '4' },
  ])
  expect(answers[3]?.body).toMatchObject({ code: 'RATE_LIMITED', status: 429 })
  expect((await rest(server, 'GET /v1/conversations', { authorization: alice })).status).toBe(200)
  expect((await send(server, bob, 'alice')).status).toBe(201)

  server.clock.advance(3_332)
  expect((await send(server, alice)).status).toBe(429)
  server.clock.advance(2)
  expect(statusesOf(await times(2, () => send(server, alice)))).toEqual([201, 429])
  server.clock.advance(60_000)
  expect(statusesOf(await times(4, () => send(server, alice)))).toEqual([201, 201, 201, 429])
})

test('does not reveal by its fields which long external ids exist', async () => {
  await using server = await limitedServer({ logins: { count: 10, seconds: 60 } })
  const long = (end: string) => `ext:${'x'.repeat(80)}${end}`
  await server.client.users.put({ user: long('A') })
  const attempt = (username: string) =>
    rest(server, 'POST /v1/sessions', { authorization: null, json: { username, password: 'wrong' } })
  const answers = await times(3, (index) => attempt(long('ABC'.charAt(index))))
  expect(answers.map((answer) => fieldsOf(answer).limit)).toEqual(Array(3).fill('"logins";r=9;t=6'))
})

test('counts both ways to send together, and omits limit headers from unlimited calls', async () => {
  await using server = await limitedServer({ sends: { count: 1, seconds: 10 } })
  const authorization = await signIn(server, 'alice')
  const first = await rest(server, 'POST /v1/direct/bob/messages', { authorization, json: { text: 'hi' } })
  expect(first.status).toBe(201)
  expect((await send(server, authorization)).status).toBe(429)
  const read = await rest(server, 'GET /v1/users/bob', { authorization })
  expect(fieldsOf(read)).toEqual({ policy: null, limit: null, retryAfter: null })
})

test('counts each call of a batch, and rejects only the calls above the limit', async () => {
  await using server = await limitedServer({ reads: { count: 5, seconds: 10 } })
  const authorization = await signIn(server, 'alice')
  const batch = async (calls: number) => {
    const names = Array.from({ length: calls }, () => 'users.get').join(',')
    const input = Object.fromEntries(Array.from({ length: calls }, (_, i) => [i, { json: { user: 'bob' } }]))
    const response = await server.fetch(
      `/trpc/${names}?batch=1&input=${encodeURIComponent(JSON.stringify(input))}`,
      { headers: { authorization } },
    )
    const body = (await response.json()) as {
      error?: { json: { data: { code: string; retryAfterMs: number } } }
    }[]
    return { response, errors: body.map(({ error }) => error?.json.data) }
  }
  const first = await batch(3)
  expect(fieldsOf(first.response)).toEqual({
    policy: '"reads";q=5;w=10',
    limit: '"reads";r=2;t=2',
    retryAfter: null,
  })
  const second = await batch(4)
  expect(second.response.status).toBe(207)
  expect(second.errors.map((error) => error?.code)).toEqual([
    undefined,
    undefined,
    'RATE_LIMITED',
    'RATE_LIMITED',
  ])
  expect(second.errors[3]?.retryAfterMs).toBe(2_000)
  expect(fieldsOf(second.response)).toEqual({
    policy: '"reads";q=5;w=10',
    limit: '"reads";r=0;t=2',
    retryAfter: '2',
  })
  expect((await rest(server, 'GET /v1/users/bob', { authorization })).status).toBe(429)
})

test('allows the users of an address ten times the limit of one user, together', async () => {
  await using server = await limitedServer({ reads: { count: 3, seconds: 60 } })
  for (let i = 0; i < 10; i++) await server.client.users.create({ username: `user-${i}`, password: PASSWORD })
  const tokens = await times(10, (i) => signIn(server, `user-${i}`))
  const read = (authorization: string) => rest(server, 'GET /v1/users/bob', { authorization })
  for (const token of tokens) {
    expect(statusesOf(await times(3, () => read(token)))).toEqual([200, 200, 200])
  }
  const rejected = await read(await signIn(server, 'alice'))
  expect(rejected.status).toBe(429)
  expect(fieldsOf(rejected).policy).toBe('"reads-address";q=30;w=60')
})

test('limits callers without valid credentials by address', async () => {
  await using server = await limitedServer({ reads: { count: 1, seconds: 10 } })
  const call = (authorization: string | null) => rest(server, 'GET /v1/users/bob', { authorization })
  const answers = await times(11, (i) => call(i % 2 === 0 ? null : `Bearer st_guess-${i}`))
  expect(statusesOf(answers)).toEqual([...Array<number>(10).fill(401), 429])
  expect(fieldsOf(answers[10] as RestAnswer)).toEqual({
    policy: '"reads-address";q=10;w=10',
    limit: '"reads-address";r=0;t=1',
    retryAfter: '1',
  })
  expect((await call('Bearer st_another-guess')).status).toBe(429)
  // Service keys are not limited by address.
  expect((await call(`Bearer ${server.serviceKey}`)).status).toBe(200)
})

test('does not lock users out if the clock moves back', async () => {
  await using server = await limitedServer({ sends: { count: 1, seconds: 10 } })
  const alice = await signIn(server, 'alice')
  server.clock.advance(3_600_000)
  expect(statusesOf(await times(2, () => send(server, alice)))).toEqual([201, 429])
  server.clock.set(START)
  const rejected = await send(server, alice)
  expect(rejected.status).toBe(429)
  expect(fieldsOf(rejected)).toMatchObject({ limit: '"sends";r=0;t=10', retryAfter: '10' })
  server.clock.advance(10_000)
  expect((await send(server, alice)).status).toBe(201)
})

describe('sign-ins', () => {
  const guess = (server: TestServer, username: string, password = 'a wrong guess') =>
    rest(server, 'POST /v1/sessions', { authorization: null, json: { username, password } })

  test('are limited by username and address, even with the right password', async () => {
    await using server = await limitedServer({ logins: { count: 3, seconds: 60 } })
    expect(statusesOf(await times(4, () => guess(server, 'alice')))).toEqual([401, 401, 401, 429])
    const right = await guess(server, 'alice', PASSWORD)
    expect(right.status).toBe(429)
    expect(fieldsOf(right)).toEqual({
      policy: '"logins";q=3;w=60',
      limit: '"logins";r=0;t=20',
      retryAfter: '20',
    })
    expect((await guess(server, 'bob', PASSWORD)).status).toBe(201)
    server.clock.advance(20_000)
    expect((await guess(server, 'alice', PASSWORD)).status).toBe(201)
  })

  test('are limited equally for existing and unknown users', async () => {
    await using server = await limitedServer({ logins: { count: 2, seconds: 60 } })
    const seen = (answers: readonly RestAnswer[]) =>
      answers.map((answer) => ({ ...fieldsOf(answer), status: answer.status }))
    expect(seen(await times(3, () => guess(server, 'alice')))).toEqual(
      seen(await times(3, () => guess(server, 'nobody'))),
    )
  })

  test('are limited equally for disabled users, users without a password and unknown users, by name and id', async () => {
    await using server = await limitedServer({ logins: { count: 4, seconds: 60 } })
    const { id: disabled } = await server.client.users.get({ user: 'bob' })
    await server.client.users.setDisabled({ user: 'bob', disabled: true })
    const { id: without } = await server.client.users.create({ username: 'carol' })
    const { id: existing } = await server.client.users.get({ user: 'alice' })
    const probe = async (username: string, id: string) => {
      const answers = [await guess(server, username), await guess(server, id), await guess(server, username)]
      return answers.map((answer) => ({ ...fieldsOf(answer), status: answer.status }))
    }
    const seen = await probe('alice', existing)
    expect(seen[2]).toMatchObject({ limit: '"logins";r=1;t=15' })
    expect(await probe('bob', disabled)).toEqual(seen)
    expect(await probe('carol', without)).toEqual(seen)
    expect(await times(3, async () => guess(server, 'nobody')).then((a) => a.map(fieldsOf))).toEqual(
      seen.map(({ status: _, ...fields }) => fields),
    )
  })

  test('count per user, whether named by username or id, including basic authentication', async () => {
    await using server = await limitedServer({ logins: { count: 3, seconds: 60 } })
    const { id } = await server.client.users.get({ user: 'alice' })
    const read = (authorization: string) => rest(server, 'GET /v1/users/bob', { authorization })
    expect((await read(basic('alice', PASSWORD))).status).toBe(200)
    expect((await read(basic('ALICE', 'a wrong guess'))).status).toBe(401)
    expect((await guess(server, id)).status).toBe(401)
    expect((await guess(server, 'alice', PASSWORD)).status).toBe(429)
    expect((await read(basic('alice', 'another guess'))).status).toBe(429)
    // Credentials that were valid a moment ago are not checked again.
    expect((await read(basic('alice', PASSWORD))).status).toBe(200)
  })

  test('from one address are limited for all usernames together', async () => {
    await using server = await limitedServer({ logins: { count: 1, seconds: 60 } })
    const answers = await times(11, (i) => guess(server, `user-${i}`))
    expect(statusesOf(answers)).toEqual([...Array<number>(10).fill(401), 429])
    expect(fieldsOf(answers[10] as RestAnswer).policy).toBe('"logins-address";q=10;w=60')
  })

  test("that are rejected do not count toward the address's limit", async () => {
    await using server = await limitedServer({ logins: { count: 2, seconds: 60 } })
    await times(50, () => guess(server, 'alice'))
    expect((await guess(server, 'bob', PASSWORD)).status).toBe(201)
  })

  test('share their limit with sign-ups, which also hash a password', async () => {
    await using server = await limitedServer(
      { logins: { count: 1, seconds: 60 } },
      { settings: { signUp: 'open' } },
    )
    const signUp = (i: number) =>
      rest(server, 'POST /v1/users', {
        authorization: null,
        json: { username: `user-${i}`, password: PASSWORD },
      })
    expect(statusesOf(await times(11, signUp))).toEqual([...Array<number>(10).fill(201), 429])
  })
})

describe('email addresses', () => {
  const logins = { count: 1_000, seconds: 60 }

  test('can be tried by a user ten times an hour, over REST and RPC together', async () => {
    await using server = await limitedServer({ logins })
    const authorization = await signIn(server, 'alice')
    const tryAt = (i: number) => {
      const json = { email: `candidate-${i}@example.com` }
      return i % 2
        ? rest(server, 'PATCH /v1/users/alice', { authorization, json })
        : rest(server, 'POST /trpc/users.update', {
            authorization,
            json: { json: { user: 'alice', ...json } },
          })
    }
    expect(statusesOf(await times(11, tryAt))).toEqual([...Array<number>(10).fill(200), 429])
    // Other changes are not affected, and keys are not limited.
    for (const json of [{ displayName: 'Alice' }, { email: null }]) {
      expect((await rest(server, 'PATCH /v1/users/alice', { authorization, json })).status).toBe(200)
    }
    const byKey = (i: number) =>
      rest(server, 'PATCH /v1/users/bob', { json: { email: `bob-${i}@example.com` } })
    expect(statusesOf(await times(20, byKey))).toEqual(Array<number>(20).fill(200))
    server.clock.advance(6 * 60_000)
    expect((await tryAt(20)).status).toBe(200)
  })

  test('can be tried a hundred times an hour from one address by signing up', async () => {
    await using server = await limitedServer({ logins }, { settings: { signUp: 'open' } })
    const signUp = (i: number) =>
      rest(server, 'POST /v1/users', {
        authorization: null,
        json: { username: `user-${i}`, password: PASSWORD, email: `user-${i}@example.com` },
      })
    expect(statusesOf(await times(101, signUp))).toEqual([...Array<number>(100).fill(201), 429])
  })
})

describe('service keys', () => {
  test('are not limited', async () => {
    const strict = { count: 1, seconds: 60 }
    await using server = await limitedServer({
      logins: strict,
      sends: strict,
      reads: strict,
      writes: strict,
      streams: strict,
    })
    const answers = await times(30, () => send(server, `Bearer ${server.serviceKey}`))
    expect(new Set(statusesOf(answers))).toEqual(new Set([400]))
    for (let i = 0; i < 30; i++) await server.as('alice').messages.send({ to: 'bob', text: 'hi' })
  })

  test('have a separate limit for all calls, if configured', async () => {
    await using server = await limitedServer({ keys: { count: 3, seconds: 10 } }, { users: [] })
    const create = (username: string) => rest(server, 'POST /v1/users', { json: { username } })
    const answers = [
      await create('alice'),
      await rest(server, 'GET /v1/users', { as: 'alice' }),
      await rest(server, 'GET /v1/conversations', { as: 'alice' }),
      await create('bob'),
    ]
    expect(statusesOf(answers)).toEqual([201, 200, 200, 429])
    expect(fieldsOf(answers[3] as RestAnswer)).toEqual({
      policy: '"keys";q=3;w=10',
      limit: '"keys";r=0;t=4',
      retryAfter: '4',
    })
  })
})

test('the SDK waits for the time in Retry-After and retries', async () => {
  await using server = await createTestServer({
    users,
    settings: { limits: { sends: { count: 1, seconds: 1 } } },
  })
  const { token } = await server.client.sessions.create({ username: 'alice', password: PASSWORD })
  const alice = createClient({ url: server.url, token, fetch: server.fetch })
  const before = performance.now()
  const sent = await times(2, () => alice.messages.send({ to: 'bob', text: 'hi' }))
  expect(sent.map(({ seq }) => seq)).toEqual([1, 2])
  expect(performance.now() - before).toBeGreaterThan(900)
  const impatient = createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
  const failure = await failureOf(impatient.messages.send({ to: 'bob', text: 'hi' }))
  expect(failure).toMatchObject({ code: 'RATE_LIMITED', retryable: true })
  expect(failure.retryAfterMs).toBeGreaterThan(0)
  expect(failure.retryAfterMs).toBeLessThanOrEqual(1_000)
})
