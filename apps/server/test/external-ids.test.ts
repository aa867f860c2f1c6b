import { createTestServer } from '@sotto/testing'
import {
  basic,
  callRest,
  callRpc,
  codeOf,
  dialects,
  failureOf,
  openSse,
  openWs,
  operations,
  rest,
  startServer,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
/** Ids that folding, normalization, trimming or a wrong decoding would change or confuse. */
const IDS = [
  'nAnO1',
  'NaNo1',
  'KELVIN',
  '\u212aELVIN',
  'José',
  'Jose\u0301',
  'auth0|507f1f77bcf86cd799439011',
  'tom+chat@example.com',
  ' a, b/c?d#e%2f&f=g+h ',
  'ext:alice',
  'alice',
  'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  '한국어',
  '😀'.repeat(255),
]

describe.each(dialects)('external ids on %s', (using) => {
  test('identify one user each, exactly, wherever a user is named', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const alice = await server.client.users.get({ user: 'alice' })
    for (const [index, externalId] of IDS.entries()) {
      const created = await server.client.users.create({ username: `u${index}`, externalId, password })
      expect(created.externalId).toBe(externalId)
    }
    for (const [index, externalId] of IDS.entries()) {
      const ref = `ext:${externalId}`
      const encoded = encodeURIComponent(ref)
      const { id } = await server.client.users.get({ user: ref })
      expect(id).toBe((await server.client.users.get({ user: `u${index}` })).id)
      expect(id).not.toBe(alice.id)

      // Path, query, header and body, over REST and tRPC.
      const sent = await server.client.as(ref).messages.send({ to: ref, text: 'note' })
      const toSelf = await server.client.as(ref).direct.get({ user: ref })
      expect([sent.senderId, sent.conversationId]).toEqual([id, toSelf.id])
      const found = await rest(server, `GET /v1/users/${encoded}`, { as: ref })
      expect(found).toMatchObject({ status: 200, body: { id, externalId } })
      for (const query of [`between=${encoded},${encoded}`, `sender=${encoded}&recipient=${encoded}`]) {
        const listed = await rest(server, `GET /v1/messages?${query}`)
        expect(listed).toMatchObject({ status: 200, body: { items: [{ id: sent.id }] } })
      }
      expect((await server.client.audit.list({ subject: ref })).items).toEqual([])

      // Groups, contacts and blocks.
      const bob = server.client.as('bob')
      const group = await bob.conversations.create({ name: 'group', participants: [ref] })
      expect(group.participants.map(({ user }) => user.id)).toContain(id)
      expect((await bob.contacts.add({ user: ref })).user.externalId).toBe(externalId)
      await bob.participants.remove({ conversationId: group.id, user: ref })

      // Credentials.
      const session = await server.client.sessions.create({ username: ref, password })
      expect(session.user.id).toBe(id)
      const byPassword = await rest(server, 'GET /v1/me', { authorization: basic(encoded, password) })
      expect(byPassword.body).toMatchObject({ id })
      const bySession = { authorization: `Bearer ${session.token}` }
      expect((await rest(server, 'GET /v1/me', { ...bySession, as: ref })).status).toBe(200)
      expect((await rest(server, 'GET /v1/me', { ...bySession, as: 'bob' })).status).toBe(403)
    }
    for (const ref of ['ext:nano1', 'EXT:nAnO1', 'ext: nAnO1', 'ext:josé', 'nAnO1']) {
      expect(await codeOf(server.client.users.get({ user: ref }))).toBe('USER_NOT_FOUND')
      expect(await codeOf(server.client.as(ref).users.me())).toBe('USER_NOT_FOUND')
    }
    for (const ref of ['ext:', `ext:${'x'.repeat(256)}`, 'ext:a\0']) {
      expect(await codeOf(server.client.users.get({ user: ref }))).toBe('INVALID_INPUT')
    }
  })

  test('identify the actor and watched users of streams', async () => {
    await using server = await startServer(using, { users: ['bob'] })
    const id = 'A, b/ß'
    const { id: userId } = await server.client.users.put({ user: `ext:${id}` })
    await server.client.as('bob').messages.send({ to: `ext:${id}`, text: 'first' })
    const encoded = encodeURIComponent(`ext:${id}`)
    const authorization = `Bearer ${server.serviceKey}`

    const sse = await openSse(`${server.url}/v1/events?presence=${encoded},bob`, {
      authorization,
      'act-as': encoded,
    })
    const ws = await openWs(server.url, { authorization, actAs: encoded }, { presence: [`ext:${id}`] })
    for (const stream of [sse, ws]) {
      await expect
        .poll(() =>
          stream.inbox.events.some((event) => event.type === 'presence.changed' && event.userId === userId),
        )
        .toBe(true)
      stream.close()
    }
    const failure = await rest(server, 'GET /v1/me', { headers: { 'act-as': 'ext:50%' } })
    expect(failure).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } })
  })

  test('create a user on the first PUT and update them on later ones', async () => {
    await using server = await createTestServer({ using, users: ['taken'] })
    const path = `PUT /v1/users/${encodeURIComponent('ext:a/b')}` as const
    const created = await rest(server, path, { json: { displayName: 'A', email: 'a@example.com' } })
    expect(created).toMatchObject({
      status: 201,
      body: { externalId: 'a/b', username: 'a-b', displayName: 'A', email: 'a@example.com' },
    })
    const updated = await rest(server, path, { json: { displayName: null, username: 'a-b' } })
    expect(updated).toMatchObject({
      status: 200,
      body: { id: (created.body as { id: string }).id, displayName: null, email: 'a@example.com' },
    })
    expect(await rest(server, path, { json: { username: 'other' } })).toMatchObject({
      status: 400,
      body: { issues: [{ path: 'username', message: 'cannot be changed' }] },
    })
    const named = await server.client.users.put({ user: 'ext:1', username: 'Chosen', firstName: null })
    expect(named.username).toBe('chosen')
    expect(await codeOf(server.client.users.put({ user: 'ext:2', username: 'taken' }))).toBe('USERNAME_TAKEN')
    expect(await codeOf(server.client.users.put({ user: 'ext:3', email: 'A@example.com' }))).toBe(
      'EMAIL_TAKEN',
    )
    expect(await codeOf(server.client.users.put({ user: 'taken' }))).toBe('INVALID_INPUT')
    expect(await codeOf(server.as('taken').users.put({ user: 'ext:4' }))).toBe('FORBIDDEN')
  })

  test('make different valid usernames, which hold no email address', async () => {
    await using server = await createTestServer({ using })
    const nameOf = async (id: string) => (await server.client.users.put({ user: `ext:${id}` })).username
    expect(await nameOf('nAnO1')).toBe('nano1')
    expect(await nameOf('NaNo1')).toMatch(/^nano1-[0-9a-f]{6}$/)
    expect(await nameOf('tom.b@example.com')).toBe('tom.b')
    expect(await nameOf('Zoë Ångström')).toBe('zoe-angstrom')
    expect(await nameOf('한국')).toBe('user')
    expect(await nameOf('x'.repeat(255))).toBe('x'.repeat(32))
    expect(await nameOf('x'.repeat(254))).toMatch(/^x{25}-[0-9a-f]{6}$/)
  })

  test('are created once by concurrent PUTs', async () => {
    await using server = await createTestServer({ using })
    const put = (n: number) => server.client.users.put({ user: 'ext:Zoe', firstName: `${n}` })
    const users = await Promise.all([1, 2, 3, 4, 5, 6].map(put))
    expect(new Set(users.map(({ id }) => id)).size).toBe(1)
    expect((await server.client.users.list()).items).toHaveLength(1)
  })

  test('are unique, and only service keys can set them', async () => {
    await using server = await createTestServer({ using, users: ['bob'], settings: { signUp: 'open' } })
    const { users } = server.client
    const { id } = await users.create({ username: 'alice', externalId: 'A' })
    expect(await codeOf(users.create({ username: 'carol', externalId: 'A' }))).toBe('EXTERNAL_ID_TAKEN')
    expect(await codeOf(users.update({ user: 'bob', externalId: 'A' }))).toBe('EXTERNAL_ID_TAKEN')
    expect(await users.update({ user: 'bob', externalId: 'a' })).toMatchObject({ externalId: 'a' })
    expect(await users.update({ user: 'ext:A', externalId: 'A' })).toMatchObject({ id, externalId: 'A' })
    // The id can move to another user, which takes effect at once.
    expect((await users.get({ user: 'ext:A' })).id).toBe(id)
    await users.update({ user: 'alice', externalId: null })
    expect(await codeOf(server.as('ext:A').users.me())).toBe('USER_NOT_FOUND')
    await users.update({ user: 'bob', externalId: 'A' })
    expect((await server.as('ext:A').users.me()).username).toBe('bob')

    const signUp = { username: 'mallory', password, externalId: 'B' }
    const anonymous = await rest(server, 'POST /v1/users', { authorization: null, json: signUp })
    const byUser = await rest(server, 'POST /v1/users', { as: 'bob', json: signUp })
    expect([anonymous.status, byUser.status]).toEqual([401, 403])
    expect(await codeOf(server.as('bob').users.update({ user: 'bob', externalId: 'B' }))).toBe('FORBIDDEN')
    for (const externalId of ['', 'x'.repeat(256), 'a\0b', '\ud800']) {
      const failure = await failureOf(users.create({ username: 'eve', externalId }))
      expect([failure.code, failure.issues[0]?.path]).toEqual(['INVALID_INPUT', 'externalId'])
    }
    const { items } = await server.client.audit.list({ action: 'user.external_id_changed' })
    // Not the one that changed nothing.
    expect(items.length).toBe(3)
  })

  test('of admins can be changed only with all scopes, since their owners can sign in', async () => {
    await using server = await createTestServer({ using, users: ['root', 'bob'] })
    await server.client.users.setRole({ user: 'root', role: 'admin' })
    const { key } = await server.client.keys.create({ name: 'writer', scopes: ['read', 'write'] })
    const authorization = `Bearer ${key}`
    const set = (user: string) =>
      rest(server, `PATCH /v1/users/${user}`, { authorization, json: { externalId: `id of ${user}` } })
    expect((await set('root')).status).toBe(403)
    expect((await set('bob')).status).toBe(200)
    expect((await server.client.users.update({ user: 'root', externalId: 'r' })).externalId).toBe('r')
  })

  test('are in the export of a user, and are free again after an erasure', async () => {
    await using server = await startServer(using, {})
    const first = await server.client.users.put({ user: 'ext:Zoe' })
    const exported = await server.client.users.export({ user: 'ext:Zoe', limit: 1 })
    expect(exported.items[0]).toMatchObject({ type: 'profile', profile: { externalId: 'Zoe' } })
    await server.client.users.erase({ user: 'ext:Zoe' })
    expect(await codeOf(server.client.users.get({ user: 'ext:Zoe' }))).toBe('USER_NOT_FOUND')
    expect(await server.app.db.selectFrom('users').select('external_id').execute()).toEqual([
      { external_id: null },
    ])
    expect((await server.client.users.put({ user: 'ext:Zoe' })).id).not.toBe(first.id)
  })
})

test('every operation that names a user accepts an external id, over both transports', async () => {
  await using server = await createTestServer({ users: ['bob'] })
  const headers = { authorization: `Bearer ${server.serviceKey}` }
  const named = operations.filter(({ pathFields }) => pathFields.includes('user'))
  expect(named.length).toBeGreaterThan(20)
  for (const operation of named) {
    for (const call of [callRest, callRpc]) {
      await server.client.users.put({ user: 'ext:a, b/c' })
      const input = { ...(operation.entry.example.input as object), user: 'ext:a, b/c' }
      const { answer } = await call(server, operation, input, headers)
      expect([operation.name, answer.code, answer.issues.filter(({ path }) => path === 'user')]).toEqual([
        operation.name,
        answer.code === 'USER_NOT_FOUND' ? 'found' : answer.code,
        [],
      ])
    }
  }
})
