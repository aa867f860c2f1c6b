import { store } from '@sotto/db'
import { basic, dialects, openSse, openWs, startServer } from '@sotto/testing/internal'
import { describe, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'
/** How soon a stream must end once its credentials are no longer valid. */
const END_MS = 2_000
const KEY_LIFETIME_MS = 60 * 60 * 1_000

describe.concurrent.each(dialects)('streams on %s', (using) => {
  test('end within two seconds of a sign-out, a password change, a revoked or expired key, or an expired session', async ({
    expect,
  }) => {
    let aheadMs = 0
    await using server = await startServer(using, {
      overrides: { now: () => new Date(Date.now() + aheadMs) },
    })
    for (const username of ['alice', 'bob'])
      await server.client.users.create({ username, password: PASSWORD })
    const signIn = async () =>
      server.call<{ token: string }>(undefined, 'POST', '/v1/sessions', {
        username: 'bob',
        password: PASSWORD,
      })
    const { db } = server.app
    const revoked = await server.client.keys.create({ name: 'revoked', scopes: ['read'] })
    const expired = await server.client.keys.create({
      name: 'expired',
      scopes: ['read'],
      expiresAt: new Date(Date.now() + KEY_LIFETIME_MS),
    })
    const url = `${server.url}/v1/events`
    const open = async (headers: Record<string, string>) => ({
      sse: await openSse(url, headers),
      ws: await openWs(
        server.url,
        { authorization: headers.authorization ?? '', actAs: headers['act-as'] ?? 'bob' },
        {},
      ),
    })
    const token = `Bearer ${(await signIn()).token}`
    const session = await open({ authorization: token })
    const other = await open({ authorization: `Bearer ${(await signIn()).token}` })
    const password = await open({ authorization: basic('bob', PASSWORD) })
    const byKey = await open({ authorization: `Bearer ${revoked.key}`, 'act-as': 'bob' })
    const byExpiredKey = await open({ authorization: `Bearer ${expired.key}`, 'act-as': 'bob' })
    const configured = await open(server.headers('bob'))

    const msUntilEnd = async ({ sse, ws }: typeof session) => {
      const before = performance.now()
      await sse.ended
      await expect.poll(() => ws.failure, { timeout: END_MS }).toBe('UNAUTHENTICATED')
      return performance.now() - before
    }
    await fetch(`${server.url}/v1/sessions/current`, { method: 'DELETE', headers: { authorization: token } })
    expect(await msUntilEnd(session)).toBeLessThan(END_MS)
    const { id: bobId } = await server.client.users.get({ user: 'bob' })
    const { passwords } = server.app.identity
    await store.credentials.updatePasswordHash(
      db,
      bobId,
      await passwords.hash('another horse battery staple'),
      new Date(),
    )
    expect(await msUntilEnd(password)).toBeLessThan(END_MS)
    await server.client.keys.revoke({ keyId: revoked.id })
    expect(await msUntilEnd(byKey)).toBeLessThan(END_MS)
    aheadMs = KEY_LIFETIME_MS
    expect(await msUntilEnd(byExpiredKey)).toBeLessThan(END_MS)
    aheadMs = 400 * 24 * 60 * 60 * 1_000
    expect(await msUntilEnd(other)).toBeLessThan(END_MS)

    aheadMs = 0
    await server.send('alice', 'bob', 'still there')
    await configured.sse.inbox.untilText('still there')
    await configured.ws.inbox.untilText('still there')
    expect(session.sse.inbox.texts).toEqual([])
    for (const { sse, ws } of [session, other, password, byKey, byExpiredKey, configured]) {
      sse.close()
      ws.close()
    }
  })

  test('require valid credentials and an actor', async ({ expect }) => {
    await using server = await startServer(using, { users: ['alice'] })
    const url = `${server.url}/v1/events`
    await expect(openSse(url, {})).rejects.toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
    await expect(openSse(url, { authorization: 'Bearer st_wrong' })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    })
    await expect(openSse(url, server.headers())).rejects.toMatchObject({
      status: 400,
      code: 'ACTOR_REQUIRED',
    })
    await expect(openSse(`${url}/pull`, {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(openSse(`${url}/pull`, server.headers())).rejects.toMatchObject({ code: 'ACTOR_REQUIRED' })
    await expect(
      openWs(server.url, { authorization: `Bearer ${server.serviceKey}` }, {}),
    ).rejects.toMatchObject({ code: 'ACTOR_REQUIRED' })
    await expect(openWs(server.url, { authorization: 'Bearer st_wrong' }, {})).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    })
    await expect(openWs(server.url, {}, {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})
