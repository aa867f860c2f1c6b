import type { LogType } from '@sotto/contract'
import type { Conversation, Message } from '@sotto/sdk'
import { dialects, startServer } from '@sotto/testing/internal'
import { expect, test } from 'vitest'
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
    const sources = { db, showConversation: async () => undefined }
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
