import { createClient, type SottoClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
const users = [
  { username: 'alice', password },
  { username: 'bob', password },
]
const DAY_MS = 86_400_000

async function signIn(server: TestServer, username = 'alice', userAgent = 'test'): Promise<string> {
  const { body } = await rest(server, 'POST /v1/sessions', {
    authorization: null,
    headers: { 'user-agent': userAgent },
    json: { username, password },
  })
  return (body as { token: string }).token
}

function clientOf(server: TestServer, token: string): SottoClient {
  return createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
}

describe.each(dialects)('sessions on %s', (using) => {
  test('are listed newest first, in pages, with the current one marked', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const telephone = await signIn(server, 'alice', 'telephone')
    server.clock.advance(1_000)
    await signIn(server, 'alice', 'x'.repeat(1_000))
    await signIn(server, 'bob', "another user's")

    const { items } = await clientOf(server, telephone).sessions.list()
    expect(items).toEqual([
      {
        id: expect.any(String),
        userAgent: 'x'.repeat(256),
        createdAt: new Date('2026-05-01T10:00:01.000Z'),
        lastUsedAt: new Date('2026-05-01T10:00:01.000Z'),
        expiresAt: new Date('2026-05-31T10:00:01.000Z'),
        current: false,
      },
      expect.objectContaining({ userAgent: 'telephone', current: true }),
    ])
    const pages: string[][] = []
    for await (const page of clientOf(server, telephone).sessions.list({ limit: 1 }).pages()) {
      pages.push(page.items.map(({ id }) => id))
    }
    expect(pages).toEqual(items.map(({ id }) => [id]))
    // A service key that acts for the user sees the sessions, and none of them is its own.
    expect((await server.as('alice').sessions.list()).items.map(({ current }) => current)).toEqual([
      false,
      false,
    ])
  })

  test('can be ended individually, only by their user', async () => {
    await using server = await createTestServer({ using, users })
    const [first, second] = [await signIn(server), await signIn(server)]
    const alice = clientOf(server, second)
    const other = (await alice.sessions.list()).items.find(({ current }) => !current)
    const bob = clientOf(server, await signIn(server, 'bob'))
    const sessionId = other?.id ?? ''

    expect(await codeOf(bob.sessions.revoke({ sessionId }))).toBe('SESSION_NOT_FOUND')
    await clientOf(server, first).users.list()
    await alice.sessions.revoke({ sessionId })
    expect(await codeOf(clientOf(server, first).users.list())).toBe('UNAUTHENTICATED')
    expect(await codeOf(alice.sessions.revoke({ sessionId }))).toBe('SESSION_NOT_FOUND')
    expect((await alice.sessions.list()).items.map(({ current }) => current)).toEqual([true])
    await alice.sessions.end()
    expect(await codeOf(alice.sessions.list())).toBe('UNAUTHENTICATED')
  })

  test('record when they were last used, to the minute', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const alice = clientOf(server, await signIn(server))
    const lastUsed = async () => (await alice.sessions.list()).items[0]?.lastUsedAt.toISOString()
    server.clock.advance(59_999)
    await alice.users.list()
    server.clock.advance(1)
    // A server caches sessions for a second.
    await expect.poll(lastUsed).toBe('2026-05-01T10:01:00.000Z')
    server.clock.advance(30_000)
    expect(await lastUsed()).toBe('2026-05-01T10:01:00.000Z')
  })

  test('that have expired are not listed, and are deleted at the next sign-in', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.000Z')
    await signIn(server)
    server.clock.advance(30 * DAY_MS - 1)
    expect((await server.as('alice').sessions.list()).items).toHaveLength(1)
    server.clock.advance(1)
    expect((await server.as('alice').sessions.list()).items).toEqual([])
    await signIn(server)
    server.clock.set('2026-05-01T10:00:00.000Z')
    expect((await server.as('alice').sessions.list()).items).toHaveLength(1)
  })
})
