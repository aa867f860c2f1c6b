import { type BulkRows, store } from '@sotto/db'
import { dialects, failureOf, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

type NewUser = NonNullable<BulkRows['users']>[number]

/** Users whom nobody logs in as, by the names `user0`, `user1`, … */
async function addUsers({ app }: RunningServer, count: number): Promise<void> {
  const at = app.now()
  const users = Array.from(
    { length: count },
    (_, n): NewUser => ({
      id: app.newId(),
      username: `user${n}`,
      display_name: null,
      display_name_key: null,
      first_name: null,
      last_name: null,
      email: null,
      email_key: null,
      avatar_url: null,
      password_hash: null,
      role: 'user',
      disabled_at: null,
      created_at: at,
      updated_at: at,
    }),
  )
  await app.db.transaction().execute((trx) => store.sampleData.write(trx, { users }))
}

describe.each(dialects)('what a user may store on %s', (using) => {
  test('is 10,000 blocks', async () => {
    await using world = await startServer(using, { users: ['alice'] })
    const { blocks, users } = world.client.as('alice')
    await addUsers(world, 10_001)
    const { id } = await users.get({ user: 'alice' })
    const { db, now } = world.app
    await db
      .insertInto('blocks')
      .columns(['user_id', 'blocked_id', 'created_at'])
      .expression((eb) =>
        eb
          .selectFrom('users')
          .select((s) => [
            s.val(id).$castTo<string>().as('user_id'),
            'id',
            s.val(now()).$castTo<Date>().as('created_at'),
          ])
          .where('username', 'not in', ['alice', 'user0', 'user1']),
      )
      .execute()
    await blocks.add({ user: 'user0' })
    const failure = await failureOf(blocks.add({ user: 'user1' }))
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'user' }] })
    expect(failure.message).toContain('10000')
    // Again the same one, and another one instead.
    await blocks.add({ user: 'user0' })
    await blocks.remove({ user: 'user0' })
    await blocks.add({ user: 'user1' })
  })

  test('is 1,000 requests that wait for an answer', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    const { contacts, users } = world.client.as('alice')
    await addUsers(world, 1_001)
    const { id } = await users.get({ user: 'alice' })
    const { db, now } = world.app
    await db
      .insertInto('contacts')
      .columns(['user_id', 'contact_id', 'state', 'changed_at'])
      .expression((eb) =>
        eb
          .selectFrom('users')
          .select((s) => [
            s.val(id).$castTo<string>().as('user_id'),
            'id',
            s.val('outgoing').$castTo<'outgoing'>().as('state'),
            s.val(now()).$castTo<Date>().as('changed_at'),
          ])
          .where('username', 'not in', ['alice', 'bob', 'user0', 'user1']),
      )
      .execute()
    await contacts.add({ user: 'user0' })
    const failure = await failureOf(contacts.add({ user: 'user1' }))
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'user' }] })
    expect(failure.message).toContain('1000')
    // Who is asked answers, and one request less is one more that can be made.
    await world.client.as('bob').contacts.add({ user: 'alice' })
    expect((await contacts.add({ user: 'bob' })).state).toBe('accepted')
    await contacts.remove({ user: 'user0' })
    expect((await contacts.add({ user: 'user1' })).state).toBe('outgoing')
  })

  test('is 100 earlier texts of a message', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    const { messages } = world.client.as('alice')
    const { id: messageId } = await messages.send({ to: 'bob', text: 'text 0' })
    for (let n = 1; n <= 100; n++) await messages.edit({ messageId, text: `text ${n}` })
    const failure = await failureOf(messages.edit({ messageId, text: 'one more' }))
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'messageId' }] })
    expect((await messages.get({ messageId })).text).toBe('text 100')
    // What changes nothing is no edit.
    await messages.edit({ messageId, text: 'text 100' })
    await messages.delete({ messageId })
  })
})
