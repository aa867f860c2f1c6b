import { createClient } from '@sotto/sdk'
import { signUserToken } from '@sotto/sdk/server'
import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf, rest, startServer } from '@sotto/testing/internal'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import type { UserTokenSettings } from '../../src/index.ts'
import { forge, hmac, SECRET, validClaims } from './token-fixtures.ts'

const userTokens: UserTokenSettings = {
  keys: { secret: SECRET },
  audience: 'sotto',
  issuer: undefined,
  createUsers: true,
}

function clientOf(server: TestServer, token: string) {
  return createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
}

describe.each(dialects)('users of signed tokens on %s', (using) => {
  test('are created once on first use, even by concurrent requests', async () => {
    await using server = await createTestServer({ using, users: ['bob'], settings: { userTokens } })
    const token = await signUserToken({
      secret: SECRET,
      user: 'Zoe',
      name: 'Zoë',
      email: 'zoe@example.com',
      picture: 'https://example.com/zoe.png',
    })
    const zoe = clientOf(server, token)
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        rest(server, 'POST /v1/messages', {
          authorization: `Bearer ${token}`,
          json: { to: 'bob', text: `${n}` },
        }),
      ),
    )
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 201))
    const senders = responses.map(({ body }) => (body as { senderId: string }).senderId)
    expect(new Set(senders).size).toBe(1)
    expect((await server.client.users.list()).items.map(({ username }) => username)).toEqual(['bob', 'zoe'])
    expect(await zoe.users.get({ user: 'ext:Zoe' })).toMatchObject({
      username: 'zoe',
      externalId: 'Zoe',
      displayName: 'Zoë',
      email: 'zoe@example.com',
      avatarUrl: 'https://example.com/zoe.png',
    })
    // Later tokens do not change the profile: it now belongs to the user.
    const later = await signUserToken({ secret: SECRET, user: 'Zoe', name: 'Zoe Miller' })
    expect((await clientOf(server, later).users.get({ user: 'zoe' })).displayName).toBe('Zoë')
  })

  test('are identified by their external id, exactly, and cannot act as other users', async () => {
    await using server = await createTestServer({ using, users: ['bob'], settings: { userTokens } })
    const subjects = [
      'nAnO1',
      'NaNo1',
      'kelvin',
      '\u212aelvin',
      'José',
      'Jose\u0301',
      'f47ac10b-58cc-4372-a567-0e02b2c3d479',
      'auth0|507f1f77bcf86cd799439011',
      'x'.repeat(43),
      'x'.repeat(255),
      'tom@example.com',
      'a, b/c',
    ]
    const ids = new Set<string>()
    for (const user of subjects) {
      const authorization = `Bearer ${await signUserToken({ secret: SECRET, user })}`
      const me = await rest(server, 'GET /v1/me', { authorization, as: `ext:${user}` })
      expect(me).toMatchObject({ status: 200, body: { externalId: user } })
      ids.add((me.body as { id: string }).id)
      expect(await rest(server, 'GET /v1/users', { authorization, as: 'bob' })).toMatchObject({ status: 403 })
      const sent = await rest(server, 'POST /v1/messages', {
        authorization,
        json: { to: 'bob', from: `ext:${user}`, text: 'hi' },
      })
      expect(sent.status).toBe(201)
    }
    expect(ids.size).toBe(subjects.length)
    // `signUserToken` refuses these itself.
    for (const sub of ['', 'x'.repeat(256), 'a\0b']) {
      const token = forge({ alg: 'HS256' }, { ...validClaims(), sub }, hmac(SECRET))
      const failure = await failureOf(clientOf(server, token).users.me())
      expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('"sub"') })
    }
  })

  test('are never users whose id, or whose username in another form, is the subject', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'], settings: { userTokens } })
    const { id } = await server.client.users.get({ user: 'alice' })
    for (const user of ['ALICE', id, `ext:${id}`, 'ext:alice']) {
      const me = await clientOf(server, await signUserToken({ secret: SECRET, user })).users.me()
      expect(me.id).not.toBe(id)
      expect(me.externalId).toBe(user)
    }
    expect((await server.client.users.get({ user: id })).externalId).toBe(null)
  })

  test('are existing users with that username who have neither a password nor an external id', async () => {
    await using server = await createTestServer({
      using,
      users: [
        'alice',
        { username: 'bob', password: 'correct horse' },
        { username: 'carol', externalId: 'c' },
      ],
      settings: { userTokens },
    })
    const meOf = async (user: string) =>
      clientOf(server, await signUserToken({ secret: SECRET, user })).users.me()
    expect(await meOf('alice')).toMatchObject({ username: 'alice', externalId: 'alice' })
    expect(await server.as('alice').users.me()).toMatchObject({ externalId: 'alice' })
    for (const name of ['bob', 'carol']) {
      const me = await meOf(name)
      expect(me.username).toMatch(new RegExp(`^${name}-[0-9a-f]{6}$`))
      expect(me.externalId).toBe(name)
      expect((await server.client.users.get({ user: name })).id).not.toBe(me.id)
    }
    const { items } = await server.client.audit.list({ action: 'user.external_id_changed' })
    expect(items).toMatchObject([{ actorKind: 'server' }])
  })

  test('can be named by other claims', async () => {
    const custom = { ...userTokens, userClaim: 'uid', usernameClaim: 'nick' }
    await using server = await createTestServer({ using, settings: { userTokens: custom } })
    const secret = new TextEncoder().encode(SECRET)
    const meOf = async (claims: Record<string, unknown>) => {
      const token = await new SignJWT({ aud: 'sotto', preferred_username: 'unused', ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('5m')
        .sign(secret)
      return clientOf(server, token).users.me()
    }
    expect(await meOf({ sub: 'x', uid: 'U1', nick: 'Zoë!' })).toMatchObject({
      username: 'zoe',
      externalId: 'U1',
    })
    expect(await meOf({ sub: 'x', uid: 'U2', nick: '' })).toMatchObject({ username: 'u2', externalId: 'U2' })
    expect(await meOf({ sub: 'x', uid: 'U3', nick: 42 })).toMatchObject({ username: 'u3' })
    for (const claims of [{ sub: 'x' }, { sub: 'x', uid: 7 }, { sub: 'x', uid: null }]) {
      const failure = await failureOf(meOf(claims))
      expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('"uid"') })
    }
  })

  test('without a session to end keep access', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'], settings: { userTokens } })
    const token = await signUserToken({ secret: SECRET, user: 'alice' })
    expect((await rest(server, 'GET /v1/keys', { authorization: `Bearer ${token}` })).status).toBe(403)
    expect(
      (await rest(server, 'DELETE /v1/sessions/current', { authorization: `Bearer ${token}` })).status,
    ).toBe(204)
    // There was no session to end, so the token still works.
    expect((await clientOf(server, token).users.list()).items).toHaveLength(2)
  })

  test('lose access immediately when an admin disables them', async () => {
    await using server = await createTestServer({ using, users: ['alice'], settings: { userTokens } })
    const alice = clientOf(server, await signUserToken({ secret: SECRET, user: 'alice' }))
    await alice.users.list()
    await server.client.users.setDisabled({ user: 'alice', disabled: true })
    expect(await codeOf(alice.users.list())).toBe('UNAUTHENTICATED')
    await server.client.users.setDisabled({ user: 'alice', disabled: false })
    await alice.users.list()
  })

  test('are not created if that is turned off', async () => {
    await using server = await createTestServer({
      using,
      users: ['alice'],
      settings: { userTokens: { ...userTokens, createUsers: false } },
    })
    const listAs = async (user: string) =>
      clientOf(server, await signUserToken({ secret: SECRET, user })).users.list()
    // Concurrent first calls, of which one adopts the user.
    const lists = await Promise.all(Array.from({ length: 10 }, () => listAs('alice')))
    expect(lists.map(({ items }) => items.length)).toEqual(lists.map(() => 1))
    expect(await codeOf(listAs('zoe'))).toBe('UNAUTHENTICATED')
    expect((await listAs('alice')).items).toHaveLength(1)
  })

  test('are created without profile claims that are missing, empty or invalid', async () => {
    await using server = await createTestServer({ using, settings: { userTokens } })
    const invalid: Record<string, readonly unknown[]> = {
      name: [null, '', 'x'.repeat(200), 7, '\u200b', 'a\nb'],
      email: [null, '', 'nowhere', {}],
      picture: [null, '', 'javascript:alert(1)', []],
      preferred_username: [null, '', ' ', {}, '!!'],
    }
    let count = 0
    for (const [claim, values] of Object.entries(invalid)) {
      for (const value of values) {
        const sub = `user ${count++}`
        const valid = { name: 'Zoë', email: `z${count}@example.com`, picture: 'https://example.com/z.png' }
        const claims = { ...validClaims(), sub, ...valid, [claim]: value }
        const token = forge({ alg: 'HS256', typ: 'JWT' }, claims, hmac(SECRET))
        expect(await clientOf(server, token).users.me()).toMatchObject({
          externalId: sub,
          displayName: claim === 'name' ? null : valid.name,
          email: claim === 'email' ? null : valid.email,
          avatarUrl: claim === 'picture' ? null : valid.picture,
        })
      }
    }
  })

  test('are created without an email address that is not verified', async () => {
    await using server = await createTestServer({ using, settings: { userTokens } })
    const emailOf = async (claims: object) => {
      const token = forge(
        { alg: 'HS256' },
        { ...validClaims(), email: 'z@example.com', ...claims },
        hmac(SECRET),
      )
      return (await clientOf(server, token).users.me()).email
    }
    expect(await emailOf({ sub: 'unverified', email_verified: false })).toBeNull()
    expect(await emailOf({ sub: 'verified', email_verified: true })).toBe('z@example.com')
  })

  test('are created without an email address that another user has', async () => {
    await using server = await createTestServer({ using, settings: { userTokens } })
    const email = 'shared@example.com'
    for (const user of ['alice', 'zoe']) {
      const client = clientOf(server, await signUserToken({ secret: SECRET, user, email }))
      expect((await client.users.me()).email).toBe(user === 'alice' ? email : null)
    }
  })

  test('can continue a stream with a new token without missing events', async () => {
    let aheadMs = 0
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      settings: { userTokens },
      overrides: { now: () => new Date(Date.now() + aheadMs) },
    })
    const issued: string[] = []
    const bob = createClient({
      url: server.url,
      token() {
        // Like a back end with the same clock as the server.
        issued.push('token')
        return signUserToken({ secret: SECRET, user: 'bob', expiresInSeconds: aheadMs / 1_000 + 60 })
      },
    })
    const ended = new AbortController()
    const texts: string[] = []
    const reading = (async () => {
      for await (const event of bob.events({ signal: ended.signal })) {
        if (event.type === 'message.created') texts.push(event.message.text ?? '')
      }
    })()
    await expect.poll(() => issued.length).toBe(1)
    await expect
      .poll(async () => {
        await server.send('alice', 'bob', 'first')
        return texts.length
      })
      .toBeGreaterThan(0)
    aheadMs = 120_000
    await expect.poll(() => issued.length).toBe(2)
    await server.send('alice', 'bob', 'second')
    await expect.poll(() => texts.at(-1)).toBe('second')
    ended.abort()
    await reading
  })
})

test('a server without keys for signed tokens rejects them', async () => {
  await using server = await createTestServer({ users: ['alice'] })
  const failure = await failureOf(
    clientOf(server, await signUserToken({ secret: SECRET, user: 'alice' })).users.list(),
  )
  expect(failure).toMatchObject({
    code: 'UNAUTHENTICATED',
    message: expect.stringContaining('does not accept signed tokens'),
  })
})

test('logs contain neither the token nor the secret', async () => {
  await using server = await createTestServer({ settings: { userTokens } })
  const token = await signUserToken({ secret: SECRET, user: 'alice' })
  const [, , signature = ''] = token.split('.')
  await clientOf(server, token).users.list()
  await codeOf(clientOf(server, `${token}x`).users.list())
  const logs = server.logs.join('\n')
  expect(server.logs.length).toBeGreaterThan(0)
  for (const secret of [signature, SECRET]) expect(logs).not.toContain(secret)
})
