import type { LogType } from '@sotto/contract'
import type { Conversation, Message } from '@sotto/sdk'
import { dialects, startServer } from '@sotto/testing/internal'
import { expect, test } from 'vitest'
import { loadConversations } from '../../src/messaging/show-conversations.ts'
import { createItems } from '../../src/realtime/event-items.ts'

test.each(dialects)('an event is serialized once for all users who see the same, on %s', async (using) => {
  const names = ['alice', 'bob', 'carol', 'dave']
  await using server = await startServer(using, { users: names })
  const { db } = server.app
  const users = await Promise.all(names.map((user) => server.client.users.get({ user })))
  const userIds = users.map((user) => user.id)
  const { id: groupId } = await server.call<Conversation>('alice', 'POST', '/v1/conversations', {
    name: 'Group',
    participants: names.slice(1),
  })
  const message = await server.call<Message>('alice', 'POST', '/v1/messages', {
    conversationId: groupId,
    text: 'hello',
    clientMessageId: 'draft',
  })
  /** What alice, bob, carol and dave receive. */
  const receivedBy = async (type: LogType) => {
    const row = {
      xid: '1',
      id: 1,
      type,
      conversation_id: groupId,
      audience_user_id: null,
      user_id: userIds[0] ?? '',
      message_id: message.id,
      seq: message.seq,
      detail: '👍',
      created_at: server.app.now(),
    }
    const sources = { db, loadConversations: async () => () => undefined }
    const items = await createItems(sources, 'epoch', [{ row, userIds }])
    return userIds.flatMap((userId) => items.get(userId)?.get(row) ?? [])
  }

  const sent = await receivedBy('message.created')
  expect(new Set(sent.map(({ cursor }) => cursor)).size).toBe(4)
  expect(sent.map(({ json }) => JSON.parse(json).message.clientMessageId)).toEqual([
    'draft',
    null,
    null,
    null,
  ])
  expect(new Set(sent.map(({ event }) => event)).size).toBe(2)

  const joined = await receivedBy('participant.joined')
  expect(joined).toHaveLength(4)
  expect(new Set(joined.map(({ event }) => event)).size).toBe(1)

  await server.call('bob', 'PUT', `/v1/messages/${message.id}/reactions/${encodeURIComponent('👍')}`)
  const reacted = await receivedBy('message.edited')
  expect(reacted.map(({ json }) => JSON.parse(json).message.reactions)).toEqual(
    [false, true, false, false].map((byMe) => [{ emoji: '👍', count: 1, byMe }]),
  )

  await server.call('alice', 'DELETE', `/v1/conversations/${groupId}/participants/dave`)
  const added = await receivedBy('reaction.added')
  expect(added.map(({ json }) => JSON.parse(json).reactions.length)).toEqual([1, 1, 1, 0])
  expect(new Set(added.map(({ event }) => event)).size).toBe(2)
})

test.each(dialects)(
  'the number of queries does not depend on the number of events or users, on %s',
  async (using) => {
    const names = ['alice', ...Array.from({ length: 12 }, (_, n) => `user${n}`)]
    await using server = await startServer(using, { users: names })
    const users = await Promise.all(names.map((user) => server.client.users.get({ user })))
    const [alice = '', ...others] = users.map((user) => user.id)
    const conversations: string[] = []
    for (const name of names.slice(1)) {
      const { id, conversationId } = await server.send('alice', name, 'hello')
      await server.call(name, 'PUT', `/v1/messages/${id}/reactions/${encodeURIComponent('👍')}`)
      await server.call(name, 'PUT', '/v1/contacts/alice')
      conversations.push(conversationId)
    }
    const { items: messages } = await server.call<{ items: Message[] }>(
      'alice',
      'GET',
      '/v1/messages?limit=100',
    )
    let queries = 0
    const db = server.app.db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        queries++
        return result
      },
    })
    const sources = {
      db,
      loadConversations: (wanted: Parameters<typeof loadConversations>[1]) => loadConversations(db, wanted),
    }
    /** The items of one event of each type for each of the first conversations. */
    const created = async (count: number) => {
      queries = 0
      const types = ['conversation.created', 'message.created', 'receipt.read', 'contact.updated'] as const
      const events = conversations.slice(0, count).flatMap((conversationId, index) =>
        types.map((type) => {
          const message = messages.find((one) => one.conversationId === conversationId)
          const other = others[index] ?? ''
          const row = {
            xid: '1',
            id: 1,
            type,
            conversation_id: type === 'contact.updated' ? null : conversationId,
            audience_user_id: null,
            user_id: type === 'contact.updated' ? other : alice,
            message_id: type === 'message.created' ? (message?.id ?? '') : null,
            seq: 1,
            detail: null,
            created_at: server.app.now(),
          }
          return { row, userIds: type === 'contact.updated' ? [alice] : [alice, other] }
        }),
      )
      const items = await createItems(sources, 'epoch', events)
      return { count: [...items.values()].reduce((sum, own) => sum + own.size, 0), queries }
    }

    const few = await created(2)
    const many = await created(12)
    expect([few.count, many.count]).toEqual([2 * 7, 12 * 7])
    expect(many.queries).toBe(few.queries)
  },
)
