import type { Conversation, Message } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { codeOf, dialects, rest, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/* Repeated calls find what the first one made, whatever has happened since. */

const users = ['alice', 'bob', 'carol']

describe.each(dialects)('a repeated call on %s', (using) => {
  test('finds the message after its sender was removed from the group', async () => {
    await using server = await createTestServer({ using, users })
    const bob = server.as('bob')
    const { id: conversationId } = await server
      .as('alice')
      .conversations.create({ name: 'Group', participants: ['bob'] })
    const send = { conversationId, text: 'once', clientMessageId: 'one' }
    const first = await bob.messages.send(send)
    await server.as('alice').participants.remove({ conversationId, user: 'bob' })

    expect(await bob.messages.send(send)).toEqual(first)
    expect(await server.client.messages.send({ ...send, from: 'bob' })).toMatchObject({ id: first.id })
    const again = await rest(server, 'POST /v1/messages', { as: 'bob', json: send })
    expect([again.status, (again.body as Message).id]).toEqual([200, first.id])
    expect(await codeOf(bob.messages.send({ ...send, text: 'different' }))).toBe('IDEMPOTENCY_CONFLICT')
    expect(await codeOf(bob.messages.send({ ...send, clientMessageId: 'two' }))).toBe(
      'CONVERSATION_NOT_FOUND',
    )
    expect(await codeOf(server.as('carol').messages.send(send))).toBe('CONVERSATION_NOT_FOUND')
  })

  test('finds the message after its recipient was erased', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const { id } = await server.client.users.get({ user: 'bob' })
    const byName = { to: 'Bob', text: 'once', clientMessageId: 'one' }
    const first = await alice.messages.send(byName)
    const { conversationId } = first
    await alice.messages.send({ to: 'carol', text: 'once', clientMessageId: 'one' })
    await server.client.users.erase({ user: 'bob' })

    const content = { text: 'once', clientMessageId: 'one' }
    for (const target of [{ to: 'bob' }, { to: id }, { to: id.toUpperCase() }, { conversationId }]) {
      expect(await alice.messages.send({ ...target, ...content })).toMatchObject({ id: first.id })
      expect(await codeOf(alice.messages.send({ ...target, ...content, clientMessageId: 'two' }))).toBe(
        'USER_NOT_FOUND',
      )
    }
    expect(await alice.direct.send({ user: 'bob', ...content })).toMatchObject({ id: first.id })
    expect(await codeOf(alice.direct.send({ user: id, ...content, text: 'different' }))).toBe(
      'IDEMPOTENCY_CONFLICT',
    )
    // The name says nothing about which message it was, so only the same message is found.
    expect(await codeOf(alice.messages.send({ ...byName, text: 'different' }))).toBe('USER_NOT_FOUND')
    expect(await codeOf(server.as('carol').messages.send(byName))).toBe('USER_NOT_FOUND')
  })

  test('with a clientConversationId makes one group', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const group = { name: 'Group', participants: ['bob', 'carol'], clientConversationId: 'one' }
    const created = await Promise.all(Array.from({ length: 5 }, () => alice.conversations.create(group)))
    const ids = new Set(created.map(({ id }) => id))
    expect(ids.size).toBe(1)
    const [id = ''] = ids
    for (const status of [201, 200]) {
      const json = { ...group, clientConversationId: 'two' }
      const answer = await rest(server, 'POST /v1/conversations', { as: 'alice', json })
      expect([answer.status, (answer.body as Conversation).name]).toEqual([status, 'Group'])
    }
    expect((await alice.conversations.list()).items).toHaveLength(2)
    // Another user's id is another group.
    expect((await server.as('bob').conversations.create({ ...group, participants: [] })).id).not.toBe(id)

    for (const different of [{ name: 'Another' }, { participants: ['bob'] }]) {
      expect(await codeOf(alice.conversations.create({ ...group, ...different }))).toBe(
        'IDEMPOTENCY_CONFLICT',
      )
    }
    // The answer is the current state.
    await alice.conversations.update({ conversationId: id, name: 'Renamed' })
    await server.client.users.erase({ user: 'carol' })
    const participants = ['carol', 'bob', 'bob']
    expect(await alice.conversations.create({ ...group, participants })).toMatchObject({
      id,
      name: 'Renamed',
    })
  })

  test('of the creation of a group distinguishes external ids by case, but not usernames', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    for (const externalId of ['nAnO1', 'NaNo1']) await server.client.users.put({ user: `ext:${externalId}` })
    const group = { name: 'Group', participants: ['bob', 'ext:nAnO1'], clientConversationId: 'one' }
    const { id } = await server.as('alice').conversations.create(group)
    const participants = ['BOB', 'ext:nAnO1']
    expect((await server.as('alice').conversations.create({ ...group, participants })).id).toBe(id)
    const other = { ...group, participants: ['bob', 'ext:NaNo1'] }
    expect(await codeOf(server.as('alice').conversations.create(other))).toBe('IDEMPOTENCY_CONFLICT')
  })

  test('of the creation of a group finds it after its creator has left', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const group = { name: 'Group', participants: ['bob'], clientConversationId: 'one' }
    const { id: conversationId } = await alice.conversations.create(group)
    const last = await alice.messages.send({ conversationId, text: 'the last' })
    await alice.participants.remove({ conversationId, user: 'alice' })
    await server.as('bob').messages.send({ conversationId, text: 'SECRET' })
    await server.as('bob').conversations.update({ conversationId, name: 'SECRET' })

    expect(await alice.conversations.create(group)).toEqual({
      ...(await server.client.conversations.get({ conversationId })),
      name: 'Group',
      participants: [],
      participantCount: 0,
      lastMessage: last,
      lastSeq: 1,
      readSeq: 1,
      unreadCount: 0,
      updatedAt: last.createdAt,
    })
    expect(await codeOf(alice.conversations.get({ conversationId }))).toBe('CONVERSATION_NOT_FOUND')
  })

  test('finds nothing of a user who was erased', async () => {
    await using server = await startServer(using, { users })
    const group = { name: 'Group', participants: [], clientConversationId: 'one' }
    await server.call('alice', 'POST', '/v1/conversations', group)
    const keys = () => server.app.db.selectFrom('conversation_keys').select('creator_id').execute()
    expect(await keys()).toHaveLength(1)
    await server.client.users.erase({ user: 'alice' })
    expect(await keys()).toEqual([])
  })

  test('is not needed if the caller leaves right after creating or renaming a group', async () => {
    await using server = await startServer(using, { users })
    const { write } = server.app
    /** Runs something between the next write and its response. */
    const afterNextWrite = (work: () => Promise<unknown>) =>
      Object.assign(server.app, {
        async write(change: Parameters<typeof write>[0]) {
          const result = await write(change)
          Object.assign(server.app, { write })
          await work()
          return result
        },
      })
    const leave = async () => {
      const { items } = await server.client.as('alice').conversations.list()
      const conversationId = items[0]?.id ?? ''
      await server.client.as('alice').participants.remove({ conversationId, user: 'alice' })
    }
    const group = { name: 'Group', participants: ['bob'] }
    afterNextWrite(leave)
    const created = await server.call<Conversation>('alice', 'POST', '/v1/conversations', group)
    expect(created).toMatchObject({ name: 'Group', participantCount: 2 })

    const { id } = await server.call<Conversation>('alice', 'POST', '/v1/conversations', group)
    afterNextWrite(leave)
    const renamed = await server.call('alice', 'PATCH', `/v1/conversations/${id}`, { name: 'Renamed' })
    expect(renamed).toMatchObject({ name: 'Renamed', participantCount: 2 })
    const bob = await server.call<Conversation>('bob', 'GET', `/v1/conversations/${id}`)
    expect(bob).toMatchObject({ name: 'Renamed', participantCount: 1 })
  })
})
