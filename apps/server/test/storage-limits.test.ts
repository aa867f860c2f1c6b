import { type BulkRows, store } from '@sotto/db'
import { dialects, failureOf, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

type NewUser = NonNullable<BulkRows['users']>[number]

/** Adds users without passwords, named `user0`, `user1`, … */
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

describe.each(dialects)('storage limits on %s', (using) => {
  test('allow 10,000 blocks per user', async () => {
    await using server = await startServer(using, { users: ['alice'] })
    const { blocks, users } = server.client.as('alice')
    await addUsers(server, 10_001)
    const { id } = await users.get({ user: 'alice' })
    const { db, now } = server.app
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
    // Adding the same block again works, and so does replacing one.
    await blocks.add({ user: 'user0' })
    await blocks.remove({ user: 'user0' })
    await blocks.add({ user: 'user1' })
  })

  test('allow 1,000 unanswered contact requests per user', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const { contacts, users } = server.client.as('alice')
    await addUsers(server, 1_001)
    const { id } = await users.get({ user: 'alice' })
    const { db, now } = server.app
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
    // Accepting a request is still possible, and withdrawing one makes room for another.
    await server.client.as('bob').contacts.add({ user: 'alice' })
    expect((await contacts.add({ user: 'bob' })).state).toBe('accepted')
    await contacts.remove({ user: 'user0' })
    expect((await contacts.add({ user: 'user1' })).state).toBe('outgoing')
  })

  test('allow 1,000 groups per user and adder, so that no one uses up the groups of others', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'mallory'] })
    const [alice, bob, mallory] = (['alice', 'bob', 'mallory'] as const).map((name) => server.client.as(name))
    if (!alice || !bob || !mallory) throw new Error('users are missing')
    const { id: victimId } = await alice.users.me()
    const { id: adderId } = await mallory.users.me()
    const { app } = server
    const at = app.now()
    const ids = Array.from({ length: 999 }, () => app.newId())
    await app.db.transaction().execute((trx) =>
      store.sampleData.write(trx, {
        conversations: ids.map((id) => ({
          id,
          kind: 'group' as const,
          name: 'spam',
          direct_key: null,
          last_seq: 0,
          participant_count: 1,
          created_at: at,
          updated_at: at,
        })),
        participants: ids.map((id) => ({
          conversation_id: id,
          user_id: victimId,
          role: 'member' as const,
          read_seq: 0,
          delivered_seq: 0,
          skipped_count: 0,
          sent_count: 0,
          joined_at: at,
          after_seq: 0,
          until_seq: null,
          first_event_id: 0,
          last_event_id: null,
          left_at: null,
          active_at: null,
          added_by: adderId,
        })),
      }),
    )
    const { id: last } = await mallory.conversations.create({ name: 'spam', participants: ['alice'] })
    const { id: more } = await mallory.conversations.create({ name: 'more', participants: ['bob'] })
    for (const call of [
      () => mallory.conversations.create({ name: 'one more', participants: ['alice'] }),
      () => mallory.participants.set({ conversationId: more, user: 'alice' }),
    ]) {
      const failure = await failureOf(call())
      expect(failure).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'user' }] })
      expect(failure.message).toContain('1000')
    }
    // Neither the victim, nor other users, nor keys are affected.
    await alice.conversations.create({ name: 'own', participants: ['bob'] })
    const { id: friends } = await bob.conversations.create({ name: 'friends', participants: ['alice'] })
    await server.client.participants.set({ conversationId: more, user: 'alice' })
    await server.client.participants.remove({ conversationId: friends, user: 'alice' })
    await bob.participants.set({ conversationId: friends, user: 'alice' })
    // Leaving a group makes room for another one.
    await alice.participants.remove({ conversationId: last, user: 'alice' })
    await mallory.conversations.create({ name: 'again', participants: ['alice'] })
  })

  test('allow 100 edits per message', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const { messages } = server.client.as('alice')
    const { id: messageId } = await messages.send({ to: 'bob', text: 'text 0' })
    for (let n = 1; n <= 100; n++) await messages.edit({ messageId, text: `text ${n}` })
    const failure = await failureOf(messages.edit({ messageId, text: 'one more' }))
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'messageId' }] })
    expect((await messages.get({ messageId })).text).toBe('text 100')
    // An edit that changes nothing does not count.
    await messages.edit({ messageId, text: 'text 100' })
    await messages.delete({ messageId })
  })
})
