import { createClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { basic, codeOf, dialects, rest } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const password = 'correct horse'
const users = [{ username: 'alice', password }, { username: 'bob', password }, 'carol']
const clientFor = (server: TestServer, token: string | undefined) =>
  createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })

describe.each(dialects)('callers on %s', (using) => {
  test('sign in with username and password, and sign out', async () => {
    await using server = await createTestServer({ using, users })
    const session = await rest(server, 'POST /v1/sessions', {
      authorization: null,
      json: { username: 'ALICE', password },
    })
    expect(session).toMatchObject({
      status: 201,
      body: { token: expect.any(String), user: { username: 'alice' } },
    })
    const { token } = session.body as { token: string }
    const alice = clientFor(server, token)

    expect((await alice.messages.send({ to: 'bob', text: 'hi' })).sender).toBe('alice')
    expect((await alice.users.get({ user: 'alice' })).email).toBeNull()
    const authorization = `Bearer ${token}`
    expect(await rest(server, 'DELETE /v1/sessions/current', { authorization })).toMatchObject({
      status: 204,
      body: '',
    })
    expect(await codeOf(alice.users.list())).toBe('UNAUTHENTICATED')
    expect((await rest(server, 'DELETE /v1/sessions/current', { authorization })).status).toBe(401)
  })

  test('are signed out at the exact moment the session expires', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const { token, expiresAt } = await server.client.sessions.create({ username: 'alice', password })
    const alice = clientFor(server, token)
    server.clock.set(new Date(expiresAt.getTime() - 1))
    await alice.users.list()
    server.clock.set(expiresAt)
    expect(await codeOf(alice.users.list())).toBe('UNAUTHENTICATED')
  })

  test('keep their other sessions when they end one', async () => {
    await using server = await createTestServer({ using, users })
    const [first, second] = [
      await server.client.sessions.create({ username: 'alice', password }),
      await server.client.sessions.create({ username: 'alice', password }),
    ]
    await clientFor(server, first.token).sessions.end()
    await clientFor(server, second.token).users.list()
  })

  test('get the same response to an unknown user, a user without a password and a wrong password', async () => {
    await using server = await createTestServer({ using, users })
    const attempts = [
      { username: 'alice', password: 'wrong' },
      { username: 'carol', password: 'wrong' },
      { username: 'nobody', password: 'wrong' },
      { username: 'alice', password: '' },
      { username: "alice' --", password },
    ]
    const answers: unknown[] = []
    for (const json of attempts) {
      const { status, body } = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        json,
        headers: { 'x-request-id': 'same' },
      })
      answers.push({ status, body })
    }
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
  })

  test('can use basic authentication', async () => {
    await using server = await createTestServer({
      using,
      users: [...users, { username: 'dora', password: 'ü:🙂:pass' }],
    })
    const sent = await rest(server, 'POST /v1/messages', {
      authorization: basic('Alice', password),
      json: { to: 'bob', text: 'hi' },
    })
    expect(sent).toMatchObject({ status: 201, body: { sender: 'alice' } })
    expect((await rest(server, 'GET /v1/users', { authorization: basic('dora', 'ü:🙂:pass') })).status).toBe(
      200,
    )
  })

  describe('with bad credentials', () => {
    let server: TestServer
    beforeAll(async () => {
      server = await createTestServer({ using, users })
    })
    afterAll(() => server[Symbol.asyncDispose]())

    test.each([
      ['a wrong key', 'Bearer sk_wrong'],
      ['a wrong token', 'Bearer st_wrong'],
      ['no credentials', 'Bearer'],
      ['empty credentials', 'Bearer '],
      ['two credentials', 'Bearer a b'],
      ['another scheme', 'Digest abc'],
      ['a key without a scheme', 'sk_wrong'],
      ['nothing', ''],
      ['a wrong password', basic('alice', 'wrong')],
      ['a password of an unknown user', basic('nobody', password)],
      ['a user without a password', basic('carol', '')],
      ['basic credentials that are not base64', 'Basic %%%'],
      ['basic credentials without a colon', `Basic ${Buffer.from('alice').toString('base64')}`],
      ['basic credentials with NUL in the username', basic('al\0ice', password)],
      ['basic credentials with NUL in the password', basic('alice', `${password}\0`)],
      ['basic credentials that are not UTF-8', `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}`],
      ['a NUL-like token', 'Bearer %00'],
    ])('get UNAUTHENTICATED and a WWW-Authenticate header: %s', async (_, authorization) => {
      const answer = await rest(server, 'GET /v1/users', { authorization })
      expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
      expect(answer.headers.get('www-authenticate')).toMatch(/Bearer/)
    })
  })

  test('with a service key act for a user named by username or id, in any letter case', async () => {
    await using server = await createTestServer({ using, users })
    const { id } = await server.client.users.get({ user: 'alice' })
    for (const as of ['alice', 'ALICE', id, id.toUpperCase()]) {
      const sent = await rest(server, 'POST /v1/messages', { as, json: { to: 'bob', text: 'hi' } })
      expect(sent).toMatchObject({ status: 201, body: { senderId: id } })
    }
    for (const as of ['nobody', '', "' OR 1=1", '\u00e9', '0'.repeat(300)]) {
      const answer = await rest(server, 'GET /v1/users', { headers: { 'act-as': as } })
      expect(answer, as).toMatchObject({ status: 404, body: { code: 'USER_NOT_FOUND' } })
    }
  })

  test('with a service key can also name the sender in `from`', async () => {
    await using server = await createTestServer({ using, users })
    const send = (json: object, as?: string) =>
      rest(server, 'POST /v1/messages', { json: { to: 'bob', text: 'hi', ...json }, ...(as && { as }) })
    const { id } = await server.client.users.get({ user: 'alice' })

    expect(await send({ from: 'Alice' })).toMatchObject({
      status: 201,
      body: { sender: 'alice', text: 'hi' },
    })
    expect(await send({ from: id })).toMatchObject({ status: 201, body: { sender: 'alice' } })
    expect(await send({ from: id }, 'alice')).toMatchObject({ status: 201, body: { sender: 'alice' } })
    expect(await send({})).toMatchObject({ status: 400, body: { code: 'ACTOR_REQUIRED' } })
    expect(await send({ from: 'nobody' })).toMatchObject({ status: 404, body: { code: 'USER_NOT_FOUND' } })
    expect(await send({ from: 'bob' }, 'alice')).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect(await send({ from: 'nobody' }, 'alice')).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    })
  })

  test('with a token or a password cannot act for another user, neither with `from` nor with Act-As', async () => {
    await using server = await createTestServer({ using, users })
    const { token } = await server.client.sessions.create({ username: 'alice', password })
    for (const authorization of [`Bearer ${token}`, basic('alice', password)]) {
      const send = (from: string) =>
        rest(server, 'POST /v1/messages', { authorization, json: { to: 'bob', from, text: 'hi' } })
      expect((await send('alice')).status).toBe(201)
      expect(await send('bob')).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
      expect(await send('nobody')).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
      expect((await rest(server, 'GET /v1/users', { authorization, as: 'ALICE' })).status).toBe(200)
      expect(await rest(server, 'GET /v1/users', { authorization, as: 'bob' })).toMatchObject({
        status: 403,
        body: { code: 'FORBIDDEN' },
      })
      // The response does not reveal whether the user exists.
      expect((await rest(server, 'GET /v1/users', { authorization, as: 'nobody' })).status).toBe(403)
    }
    expect((await rest(server, 'GET /v1/users', { authorization: null, as: 'alice' })).status).toBe(401)
  })

  test('have at most 100 sessions, and the next one ends the oldest', async () => {
    await using server = await createTestServer({ using, users })
    const tokens: (string | undefined)[] = []
    for (let i = 0; i < 101; i++) {
      tokens.push((await server.client.sessions.create({ username: 'alice', password })).token)
    }
    const statusOf = async (token: string | undefined) =>
      (await rest(server, 'GET /v1/users', { authorization: `Bearer ${token}` })).status
    expect([await statusOf(tokens[0]), await statusOf(tokens[1]), await statusOf(tokens[100])]).toEqual([
      401, 200, 200,
    ])
  })

  test('that are anonymous can sign up with a password if sign-up is open', async () => {
    await using open = await createTestServer({ using, settings: { signUp: 'open' } })
    const signUp = (json: object) => rest(open, 'POST /v1/users', { authorization: null, json })
    expect((await signUp({ username: 'zoe', password: 'long enough' })).status).toBe(201)
    expect(await signUp({ username: 'yan' })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_INPUT', issues: [{ path: 'password' }] },
    })
    expect(
      (await open.client.sessions.create({ username: 'zoe', password: 'long enough' })).user.username,
    ).toBe('zoe')

    await using closed = await createTestServer({ using, users: ['alice'] })
    const json = { username: 'zoe', password: 'long enough' }
    expect((await rest(closed, 'POST /v1/users', { authorization: null, json })).status).toBe(401)
    expect((await rest(closed, 'POST /v1/users', { as: 'alice', json })).status).toBe(403)
  })
})
