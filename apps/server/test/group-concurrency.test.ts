import { directKey } from '@sotto/db'
import { codeOf, type RunningServer, startServer, withPostgres } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const WAITING = `select count(*)::int as count from pg_locks
  where locktype = 'advisory' and not granted
  and database = (select oid from pg_database where datname = current_database())`

/** Calls `add` while a block of `of` by `by` holds the lock and is not committed yet. */
async function addDuringBlock(
  server: RunningServer,
  { by, of }: { by: string; of: string },
  add: () => Promise<unknown>,
) {
  return withPostgres(server.databaseUrl, async (client) => {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [directKey(by, of)])
    const code = codeOf(add())
    await expect.poll(async () => (await client.query(WAITING)).rows[0]?.count).toBe(1)
    await client.query('insert into blocks (user_id, blocked_id, created_at) values ($1, $2, now())', [
      by,
      of,
    ])
    await client.query('commit')
    return code
  })
}

describe('groups on PostgreSQL', () => {
  test('reject a concurrent addition of a user who has just blocked the caller', async () => {
    await using server = await startServer('postgres', { users: ['alice', 'bob', 'carol', 'dave'] })
    const idOf = async (user: string) => (await server.client.users.get({ user })).id
    const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(idOf))
    const bobs = server.client.as('bob')
    const { id } = await bobs.conversations.create({ name: 'a group', participants: ['dave'] })

    const added = await addDuringBlock(server, { by: alice ?? '', of: bob ?? '' }, () =>
      bobs.participants.set({ conversationId: id, user: 'alice' }),
    )
    const created = await addDuringBlock(server, { by: carol ?? '', of: bob ?? '' }, () =>
      bobs.conversations.create({ name: 'another', participants: ['dave', 'carol'] }),
    )
    expect([added, created]).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    expect((await bobs.conversations.list()).items.map(({ participantCount }) => participantCount)).toEqual([
      2,
    ])
  })

  test('are created without deadlocks by users who add each other', async () => {
    const users = ['alice', 'bob', 'carol', 'dave']
    await using server = await startServer('postgres', { users })
    const counts = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const as = users[n % users.length] ?? ''
        const others = users.filter((user) => user !== as)
        const participants = n % 3 === 0 ? others.toReversed() : others
        const client = server.client.as(as)
        const [group] = await Promise.all([
          client.conversations.create({ name: `group ${n}`, participants }),
          client.messages.send({ to: participants[0] ?? '', text: 'hello' }),
        ])
        await client.participants.remove({ conversationId: group.id, user: participants[0] ?? '' })
        await client.participants.set({ conversationId: group.id, user: participants[0] ?? '' })
        return group.participantCount
      }),
    )
    expect(new Set(counts)).toEqual(new Set([users.length]))
  })
})
