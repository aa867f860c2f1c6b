import { directKey } from '@sotto/db'
import { codeOf, type RunningServer, startServer, withPostgres } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const WAITING = `select count(*)::int as count from pg_locks
  where locktype = 'advisory' and not granted
  and database = (select oid from pg_database where datname = current_database())`

/** Lets somebody add in the middle of a block: it has its turn, and is not committed yet. */
async function addDuringBlock(
  world: RunningServer,
  { by, of }: { by: string; of: string },
  add: () => Promise<unknown>,
) {
  return withPostgres(world.databaseUrl, async (client) => {
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

describe('on PostgreSQL', () => {
  test('who blocks is in no group afterwards that they were being added to', async () => {
    await using world = await startServer('postgres', { users: ['alice', 'bob', 'carol', 'dave'] })
    const idOf = async (user: string) => (await world.client.users.get({ user })).id
    const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(idOf))
    const bobs = world.client.as('bob')
    const { id } = await bobs.conversations.create({ name: 'a group', participants: ['dave'] })

    const added = await addDuringBlock(world, { by: alice ?? '', of: bob ?? '' }, () =>
      bobs.participants.set({ conversationId: id, user: 'alice' }),
    )
    const created = await addDuringBlock(world, { by: carol ?? '', of: bob ?? '' }, () =>
      bobs.conversations.create({ name: 'another', participants: ['dave', 'carol'] }),
    )
    expect([added, created]).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    expect((await bobs.conversations.list()).items.map(({ participantCount }) => participantCount)).toEqual([
      2,
    ])
  })

  test('those who add each other in any order do not stand in each other’s way', async () => {
    const users = ['alice', 'bob', 'carol', 'dave']
    await using world = await startServer('postgres', { users })
    const made = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const as = users[n % users.length] ?? ''
        const others = users.filter((user) => user !== as)
        const participants = n % 3 === 0 ? others.toReversed() : others
        const client = world.client.as(as)
        const [group] = await Promise.all([
          client.conversations.create({ name: `group ${n}`, participants }),
          client.messages.send({ to: participants[0] ?? '', text: 'hello' }),
        ])
        await client.participants.remove({ conversationId: group.id, user: participants[0] ?? '' })
        await client.participants.set({ conversationId: group.id, user: participants[0] ?? '' })
        return group.participantCount
      }),
    )
    expect(new Set(made)).toEqual(new Set([users.length]))
  })
})
