import { store } from '@sotto/db'
import { dialects, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

interface Presence {
  online: boolean
  lastSeenAt: string | null
}

function presenceOf(server: RunningServer, user: string): Promise<Presence> {
  return server.call<Presence>(undefined, 'GET', `/v1/users/${user}/presence`)
}

describe.each(dialects)('when a user was last seen, on %s', (using) => {
  test('survives a restart, and is in their export', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'], inFile: true })
    const before = Date.now()
    const stream = await server.sse('bob')
    await server.close()
    await stream.ended
    await using restarted = await server.another()
    const { online, lastSeenAt } = await presenceOf(restarted, 'bob')
    expect(online).toBe(false)
    expect(Date.parse(lastSeenAt ?? '')).toBeGreaterThanOrEqual(before)
    expect((await presenceOf(restarted, 'alice')).lastSeenAt).toBeNull()
    const exported = await restarted.client.users.export({ user: 'bob' })
    expect(exported.items[0]).toMatchObject({ type: 'profile', lastSeenAt: new Date(lastSeenAt ?? '') })
  })

  test('is known after a server failed while they were online', async () => {
    await using server = await startServer(using, { users: ['bob'] })
    const { id } = await server.client.users.get({ user: 'bob' })
    await using _stream = await server.sse('bob')
    await expect.poll(() => store.lastSeen.find(server.app.db, id), { timeout: 3_000 }).toBeInstanceOf(Date)
  })

  test('is erased with the user, and never moves back', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const ids = await Promise.all(
      ['alice', 'bob'].map(async (user) => (await server.client.users.get({ user })).id),
    )
    const at = new Date('2026-05-01T10:00:00.000Z')
    const note = (seenAt: Date) =>
      server.app.db.transaction().execute((trx) =>
        store.lastSeen.note(
          trx,
          ids.map((id) => ({ user_id: id, seen_at: seenAt })),
          new Date(at.getTime() + 60_000),
        ),
      )
    // From a clock that was ahead.
    await note(new Date(Date.now() + 3_600_000))
    expect((await presenceOf(server, 'bob')).lastSeenAt).toBeNull()
    await note(at)
    await note(new Date(at.getTime() - 1_000))
    expect((await presenceOf(server, 'bob')).lastSeenAt).toBe(at.toISOString())
    await server.call(undefined, 'DELETE', '/v1/users/bob')
    expect(await store.lastSeen.find(server.app.db, ids[1] ?? '')).toBeUndefined()
    expect(await store.lastSeen.find(server.app.db, ids[0] ?? '')).toEqual(at)
  })
})
