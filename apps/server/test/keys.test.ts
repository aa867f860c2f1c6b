import { setTimeout as wait } from 'node:timers/promises'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, rest, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

type Scope = 'read' | 'write' | 'admin'

const MINUTE_MS = 60_000
/** By when a use is written that is to be: it waits for a second. */
const WRITTEN_BY_MS = 1_500

async function bearer(server: TestServer, ...scopes: Scope[]): Promise<string> {
  const { key } = await server.client.keys.create({ name: scopes.join(), scopes })
  return `Bearer ${key}`
}

describe.each(dialects)('service keys on %s', (using) => {
  test('do what their scopes say, for nobody and for a user, over REST and RPC', async () => {
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
      // Without credentials these are open to anyone: with a key they are not a way around its scopes.
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
    // A stream is a query; who may not open it is told before it begins.
    const writing = await bearer(server, 'write')
    expect((await rest(server, 'GET /v1/events', { authorization: writing, as: 'alice' })).status).toBe(403)
    // Acting for somebody, even a key with every scope is no admin.
    const all = await bearer(server, 'read', 'write', 'admin')
    expect((await rest(server, 'GET /v1/keys', { authorization: all })).status).toBe(200)
    expect((await rest(server, 'GET /v1/keys', { authorization: all, as: 'alice' })).status).toBe(403)
  })

  test('make none that may do more than themselves', async () => {
    await using server = await createTestServer({ using })
    const authorization = await bearer(server, 'read', 'admin')
    const make = (...scopes: Scope[]) =>
      rest(server, 'POST /v1/keys', { authorization, json: { name: 'other', scopes } })
    expect((await make('admin', 'read')).status).toBe(201)
    expect(await make('read', 'write')).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', detail: expect.stringContaining('write') },
    })
  })

  test('are replaced without a gap: two at once, then the old one ends, for good', async () => {
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

  test('expire at their very moment, and not before', async () => {
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

  test('tell when they were last used, to the minute and with one write a minute', async () => {
    const start = Date.parse('2026-05-01T10:00:00.000Z')
    let aheadMs = 0
    let writes = 0
    await using world = await startServer(using, {
      overrides: {
        now: () => new Date(start + aheadMs),
        onStatement: (statement) => {
          if (statement.includes('set "last_used_at"')) writes++
        },
      },
    })
    const { key } = await world.client.keys.create({ name: 'used', scopes: ['read'] })
    const use = () => fetch(`${world.url}/v1/users`, { headers: { authorization: `Bearer ${key}` } })
    const lastUse = async () => (await world.client.keys.list()).items[0]?.lastUsedAt?.getTime()

    expect(await lastUse()).toBeUndefined()
    for (let n = 0; n < 10; n++) await use()
    await expect.poll(lastUse).toBe(start)
    aheadMs = MINUTE_MS - 1
    await use()
    await wait(WRITTEN_BY_MS)
    expect({ writes, lastUse: await lastUse() }).toEqual({ writes: 1, lastUse: start })
    aheadMs = MINUTE_MS
    await use()
    await expect.poll(lastUse).toBe(start + MINUTE_MS)
    expect(writes).toBe(2)
  })

  test('are listed in pages, newest first', async () => {
    await using server = await createTestServer({ using })
    // All made in one moment: the ids break the tie.
    server.clock.set('2026-05-01T10:00:00.000Z')
    const made: string[] = []
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      made.push((await server.client.keys.create({ name, scopes: ['read'] })).id)
    }
    const listed: string[] = []
    for await (const { id } of server.client.keys.list({ limit: 2 })) listed.push(id)
    expect(listed).toEqual(made.toReversed())
  })

  test('are told once, and stand in no list and no log', async () => {
    await using server = await createTestServer({ using })
    const { key } = await server.client.keys.create({ name: 'secret', scopes: ['read', 'admin'] })
    const { body } = await rest(server, 'GET /v1/keys', { authorization: `Bearer ${key}` })
    expect(JSON.stringify(body)).not.toContain(key)
    expect(JSON.stringify(body)).not.toContain('key_hash')
    expect(server.logs.join('\n')).not.toContain(key)
  })
})
