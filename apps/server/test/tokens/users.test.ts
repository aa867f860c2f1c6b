import { createClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf, openSse, openWs, rest, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import type { UserTokenSettings } from '../../src/index.ts'
import { signUserToken } from '../../src/tokens.ts'
import { SECRET } from './token-fixtures.ts'

const userTokens: UserTokenSettings = {
  keys: { secret: SECRET },
  audience: 'sotto',
  issuer: undefined,
  createUsers: true,
}
/** How soon a stream must end once its token is no longer valid. */
const END_MS = 2_000

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
    expect(await zoe.users.get({ user: 'zoe' })).toMatchObject({
      displayName: 'Zoë',
      email: 'zoe@example.com',
      avatarUrl: 'https://example.com/zoe.png',
    })
    // Later tokens do not change the profile: it now belongs to the user.
    const later = await signUserToken({ secret: SECRET, user: 'zoe', name: 'Somebody' })
    expect((await clientOf(server, later).users.get({ user: 'zoe' })).displayName).toBe('Zoë')
  })

  test('are identified by username or id, and cannot act as other users', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'], settings: { userTokens } })
    const { id } = await server.client.users.get({ user: 'alice' })
    for (const user of ['alice', 'ALICE', id, id.toUpperCase()]) {
      const token = await signUserToken({ secret: SECRET, user })
      expect((await clientOf(server, token).messages.send({ to: 'bob', text: 'hi' })).senderId).toBe(id)
      const request = { authorization: `Bearer ${token}`, as: 'bob' }
      expect(await rest(server, 'GET /v1/users', request)).toMatchObject({ status: 403 })
    }
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
    expect((await listAs('alice')).items).toHaveLength(1)
    expect(await codeOf(listAs('zoe'))).toBe('UNAUTHENTICATED')
    expect((await listAs('alice')).items).toHaveLength(1)
  })

  test('are not created from invalid profile claims, which the error names', async () => {
    await using server = await createTestServer({ using, settings: { userTokens } })
    const cases = [
      [{ user: 'not a name' }, '"sub"'],
      [{ user: 'zoe', name: 'x'.repeat(200) }, '"name"'],
      [{ user: 'zoe', email: 'nowhere' }, '"email"'],
      [{ user: 'zoe', picture: 'javascript:alert(1)' }, '"picture"'],
    ] as const
    for (const [claims, named] of cases) {
      const failure = await failureOf(
        clientOf(server, await signUserToken({ secret: SECRET, ...claims })).users.list(),
      )
      expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining(named) })
    }
    expect((await server.client.users.list()).items).toEqual([])
  })

  test('are created without an email address that another user has', async () => {
    await using server = await createTestServer({ using, settings: { userTokens } })
    const email = 'shared@example.com'
    for (const user of ['alice', 'zoe']) {
      const client = clientOf(server, await signUserToken({ secret: SECRET, user, email }))
      expect((await client.users.get({ user })).email).toBe(user === 'alice' ? email : null)
    }
  })

  test('lose access, including open streams, when their token expires or they are disabled', async () => {
    let aheadMs = 0
    const now = () => new Date(Date.now() + aheadMs)
    await using server = await startServer(using, {
      users: ['alice', 'bob', 'carol'],
      settings: { userTokens },
      overrides: { now },
    })
    const open = async (user: string, expiresInSeconds: number) => {
      const authorization = `Bearer ${await signUserToken({ secret: SECRET, user, expiresInSeconds })}`
      return {
        authorization,
        sse: await openSse(`${server.url}/v1/events`, { authorization }),
        ws: await openWs(server.url, { authorization }, {}),
      }
    }
    const untilEnd = async ({ authorization, sse, ws }: Awaited<ReturnType<typeof open>>) => {
      const before = performance.now()
      await sse.ended
      await expect.poll(() => ws.failure, { timeout: END_MS }).toBe('UNAUTHENTICATED')
      expect(performance.now() - before).toBeLessThan(END_MS)
      const statusOf = async () =>
        (await fetch(`${server.url}/v1/users`, { headers: { authorization } })).status
      await expect.poll(statusOf, { timeout: END_MS }).toBe(401)
    }
    const short = await open('alice', 60)
    const long = await open('alice', 600)
    const disabled = await open('bob', 600)

    await server.app.db
      .updateTable('users')
      .set({ disabled_at: new Date() })
      .where('username', '=', 'bob')
      .execute()
    await untilEnd(disabled)
    // Six seconds after it expired: five seconds are tolerated.
    aheadMs = 66_000
    await untilEnd(short)

    await server.send('carol', 'alice', 'still there')
    await long.sse.inbox.untilText('still there')
    await long.ws.inbox.untilText('still there')
    for (const { sse, ws } of [short, long, disabled]) {
      sse.close()
      ws.close()
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
