import { setTimeout as wait } from 'node:timers/promises'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, rest, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

type Scope = 'read' | 'write' | 'admin'

const MINUTE_MS = 60_000
/** Long enough for a use to be written, which the server delays by one second. */
const WRITE_DELAY_MS = 1_500

async function bearer(server: TestServer, ...scopes: Scope[]): Promise<string> {
  const { key } = await server.client.keys.create({ name: scopes.join(), scopes })
  return `Bearer ${key}`
}

describe.each(dialects)('service keys on %s', (using) => {
  test('allow what their scopes allow, with and without Act-As, over REST and RPC', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const json = { from: 'alice', to: 'bob', text: 'hi' }
    const rpcRead = `GET /trpc/users.list?input=${encodeURIComponent('{"json":{}}')}` as 'GET /'
    const calls = [
      { needs: 'read', line: 'GET /v1/users' },
      { needs: 'read', line: 'GET /v1/users', as: 'alice' },
      { needs: 'read', line: rpcRead },
      { needs: 'read', line: 'GET /v1/conversations', as: 'alice' },
      { needs: 'read', line: 'GET /v1/events/pull', as: 'alice' },
      { needs: 'write', line: 'POST /v1/messages', json },
      { needs: 'write', line: 'POST /v1/messages', json, as: 'alice' },
      { needs: 'write', line: 'POST /trpc/messages.send', json: { json } },
      { needs: 'write', line: 'PATCH /v1/users/alice', json: { displayName: 'Alice' } },
      // Operations that allow anonymous callers still require the scope of a key.
      { needs: 'write', line: 'POST /v1/users', json: { username: 'carol' } },
      { needs: 'admin', line: 'GET /v1/keys' },
      { needs: 'admin', line: 'GET /v1/audit' },
      { needs: 'admin', line: `GET /trpc/keys.list?input=${encodeURIComponent('{"json":{}}')}` as 'GET /' },
      { needs: 'admin', line: 'POST /v1/keys', json: { name: 'more', scopes: ['admin'] } },
    ] as const satisfies { needs: Scope; line: `${string} /${string}`; as?: string; json?: object }[]

    for (const scope of ['read', 'write', 'admin'] as const) {
      const authorization = await bearer(server, scope)
      for (const { needs, line, ...request } of calls) {
        const { status } = await rest(server, line, { authorization, ...request })
        const expected = needs !== scope ? [403] : [200, 201]
        expect(expected, `${scope}: ${line}`).toContain(status)
      }
    }
    // A stream is a query. Missing access is reported before it opens.
    const writing = await bearer(server, 'write')
    expect((await rest(server, 'GET /v1/events', { authorization: writing, as: 'alice' })).status).toBe(403)
    // Acting for a user, even a key with every scope is not an admin.
    const all = await bearer(server, 'read', 'write', 'admin')
    expect((await rest(server, 'GET /v1/keys', { authorization: all })).status).toBe(200)
    expect((await rest(server, 'GET /v1/keys', { authorization: all, as: 'alice' })).status).toBe(403)
  })

  test('cannot create keys with more scopes than their own', async () => {
    await using server = await createTestServer({ using })
    const authorization = await bearer(server, 'read', 'admin')
    const create = (...scopes: Scope[]) =>
      rest(server, 'POST /v1/keys', { authorization, json: { name: 'other', scopes } })
    expect((await create('admin', 'read')).status).toBe(201)
    expect(await create('read', 'write')).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', detail: expect.stringContaining('write') },
    })
  })

  test('can be replaced without downtime: both work until the old one is revoked permanently', async () => {
    await using server = await createTestServer({ using })
    const old = await server.client.keys.create({ name: 'old', scopes: ['read'] })
    const replacement = await bearer(server, 'read')
    const statusOf = async (authorization: string) =>
      (await rest(server, 'GET /v1/users', { authorization })).status
    expect([await statusOf(`Bearer ${old.key}`), await statusOf(replacement)]).toEqual([200, 200])

    await server.client.keys.revoke({ keyId: old.id })
    expect([await statusOf(`Bearer ${old.key}`), await statusOf(replacement)]).toEqual([401, 200])
    await server.client.keys.revoke({ keyId: old.id })
    const listed = (await server.client.keys.list()).items.find(({ id }) => id === old.id)
    expect(listed).toMatchObject({ name: 'old', revokedAt: expect.any(Date) })
    for (const keyId of ['environment', 'nothing', '019c13a0-0000-7000-8000-00000000000f']) {
      expect(await rest(server, `DELETE /v1/keys/${keyId}`)).toMatchObject({
        status: 404,
        body: { code: 'KEY_NOT_FOUND' },
      })
    }
  })

  test('expire exactly at their expiry time', async () => {
    await using server = await createTestServer({ using })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const expiresAt = new Date('2026-05-01T11:00:00.000Z')
    const { key } = await server.client.keys.create({ name: 'an hour', scopes: ['read'], expiresAt })
    const authorization = `Bearer ${key}`
    server.clock.set('2026-05-01T10:59:59.999Z')
    expect((await rest(server, 'GET /v1/users', { authorization })).status).toBe(200)
    server.clock.set(expiresAt)
    expect(await rest(server, 'GET /v1/users', { authorization })).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED' },
    })
    expect(
      await rest(server, 'POST /v1/keys', { json: { name: 'late', scopes: ['read'], expiresAt } }),
    ).toMatchObject({ status: 400, body: { issues: [{ path: 'expiresAt' }] } })
  })

  test('record when they were last used, with at most one write per minute', async () => {
    const start = Date.parse('2026-05-01T10:00:00.000Z')
    let aheadMs = 0
    let writes = 0
    await using server = await startServer(using, {
      overrides: {
        now: () => new Date(start + aheadMs),
        onStatement: (statement) => {
          if (statement.includes('set "last_used_at"')) writes++
        },
      },
    })
    const { key } = await server.client.keys.create({ name: 'used', scopes: ['read'] })
    const use = () => fetch(`${server.url}/v1/users`, { headers: { authorization: `Bearer ${key}` } })
    const lastUse = async () => (await server.client.keys.list()).items[0]?.lastUsedAt?.getTime()

    expect(await lastUse()).toBeUndefined()
    for (let n = 0; n < 10; n++) await use()
    await expect.poll(lastUse).toBe(start)
    aheadMs = MINUTE_MS - 1
    await use()
    await wait(WRITE_DELAY_MS)
    expect({ writes, lastUse: await lastUse() }).toEqual({ writes: 1, lastUse: start })
    aheadMs = MINUTE_MS
    await use()
    await expect.poll(lastUse).toBe(start + MINUTE_MS)
    expect(writes).toBe(2)
  })

  test('are listed in pages, newest first', async () => {
    await using server = await createTestServer({ using })
    // All have the same creation time, so ids decide the order.
    server.clock.set('2026-05-01T10:00:00.000Z')
    const created: string[] = []
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      created.push((await server.client.keys.create({ name, scopes: ['read'] })).id)
    }
    const listed: string[] = []
    for await (const { id } of server.client.keys.list({ limit: 2 })) listed.push(id)
    expect(listed).toEqual(created.toReversed())
  })

  test('are returned once, and appear in no list and no log', async () => {
    await using server = await createTestServer({ using })
    const { key } = await server.client.keys.create({ name: 'secret', scopes: ['read', 'admin'] })
    const { body } = await rest(server, 'GET /v1/keys', { authorization: `Bearer ${key}` })
    expect(JSON.stringify(body)).not.toContain(key)
    expect(JSON.stringify(body)).not.toContain('key_hash')
    expect(server.logs.join('\n')).not.toContain(key)
  })
})
