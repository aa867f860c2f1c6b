import type { Conversation, Message } from '@sotto/contract'
import { dialects, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const users = ['alice', 'bob', 'carol']

interface Receipt {
  userId: string
  deliveredSeq: number
  readSeq: number
  deliveredAt: string | null
  readAt: string | null
}

async function idOf(server: RunningServer, user: string): Promise<string> {
  return (await server.client.users.get({ user })).id
}

async function createGroup(server: RunningServer): Promise<string> {
  const group = await server.call<Conversation>('carol', 'POST', '/v1/conversations', {
    name: 'ours',
    participants: ['alice', 'bob'],
  })
  return group.id
}

async function receiptOf(
  server: RunningServer,
  viewer: string,
  conversationId: string,
  userId: string,
): Promise<Receipt | undefined> {
  const { items } = await server.call<{ items: Receipt[] }>(
    viewer,
    'GET',
    `/v1/conversations/${conversationId}/receipts?seq=1`,
  )
  return items.find((item) => item.userId === userId)
}

describe.each(dialects)('between users who are blocked, on %s', (using) => {
  test('neither receives the other’s receipts in their direct conversation', async () => {
    await using server = await startServer(using, { users })
    const { id, conversationId } = await server.send('bob', 'alice', 'read by alice')
    await server.send('alice', 'bob', 'read by bob')
    await server.call('alice', 'PUT', '/v1/blocks/bob')
    await using bob = await server.sse('bob')
    await using alice = await server.sse('alice')
    for (const name of ['alice', 'bob']) {
      await server.call(name, 'GET', `/v1/conversations/${conversationId}/messages`)
      await server.call(name, 'POST', `/v1/conversations/${conversationId}/read`, { seq: 2 })
    }
    await expect.poll(() => server.app.deliveryMarks.waiting).toBe(0)
    const message = await server.call<Message>('bob', 'GET', `/v1/messages/${id}`)
    expect([message.deliveredAt, message.readAt]).toEqual([null, null])
    expect(await receiptOf(server, 'bob', conversationId, await idOf(server, 'alice'))).toMatchObject({
      deliveredSeq: 0,
      readSeq: 0,
      deliveredAt: null,
      readAt: null,
    })
    const inbox = await server.call<{ items: Conversation[] }>('alice', 'GET', '/v1/conversations')
    expect(inbox.items[0]?.unreadCount).toBe(0)

    await server.call('alice', 'DELETE', '/v1/blocks/bob')
    const later = await server.send('bob', 'alice', 'after the block')
    await server.call('alice', 'POST', `/v1/conversations/${conversationId}/read`, { seq: later.seq })
    await bob.inbox.until(() => bob.inbox.types.includes('receipt.updated'))
    await alice.inbox.until(() => alice.inbox.types.includes('receipt.updated'))
    for (const [name, { events }] of [['bob', bob.inbox] as const, ['alice', alice.inbox] as const]) {
      const ownId = await idOf(server, name)
      const early = events.filter((event) => event.type === 'receipt.updated' && event.seq < later.seq)
      // A user's own clients receive their read marks.
      expect(early).toHaveLength(1)
      expect(early[0]).toMatchObject({ userId: ownId, kind: 'read', seq: 2 })
    }
  })

  test('neither receives the other’s receipts in a group, and others still do', async () => {
    await using server = await startServer(using, { users })
    const conversationId = await createGroup(server)
    for (const text of ['first', 'second']) {
      await server.call('bob', 'POST', '/v1/messages', { conversationId, text })
    }
    await server.call('alice', 'POST', `/v1/conversations/${conversationId}/read`, { seq: 1 })
    const before = await server.sse('bob')
    before.close()
    await server.call('alice', 'PUT', '/v1/blocks/bob')
    await using bob = await server.sse('bob')
    await using carol = await server.sse('carol')
    await server.call('alice', 'POST', `/v1/conversations/${conversationId}/read`, { seq: 2 })
    await carol.inbox.until(() => carol.inbox.types.includes('receipt.updated'))
    await server.call('carol', 'POST', '/v1/messages', { conversationId, text: 'end' })
    await bob.inbox.untilText('end')
    await using replayed = await server.sse('bob', '', before.cursor)
    await replayed.inbox.untilText('end')
    for (const { types } of [bob.inbox, replayed.inbox]) expect(types).not.toContain('receipt.updated')

    const aliceId = await idOf(server, 'alice')
    const seen = await receiptOf(server, 'bob', conversationId, aliceId)
    expect(seen).toMatchObject({ deliveredSeq: 1, readSeq: 1 })
    expect(seen?.readAt).not.toBeNull()
    expect(await receiptOf(server, 'carol', conversationId, aliceId)).toMatchObject({ readSeq: 2 })
    expect(await receiptOf(server, 'alice', conversationId, await idOf(server, 'bob'))).toMatchObject({
      readSeq: 0,
    })
  })
})

describe.each(dialects)('after the last shared conversation ended, on %s', (using) => {
  test('a presence watch and typing signals are silent', async () => {
    await using server = await startServer(using, { users })
    const conversationId = await createGroup(server)
    await server.send('carol', 'bob', 'carol and bob also have a direct conversation')
    await using alice = await server.sse('alice', '?presence=bob')
    await using carol = await server.sse('carol', '?presence=bob')
    await alice.inbox.until(() => alice.inbox.types.includes('presence.changed'))
    await server.call('bob', 'POST', `/v1/conversations/${conversationId}/typing`, { typing: true })
    await alice.inbox.until(() => alice.inbox.types.includes('typing.started'))
    await server.call('carol', 'DELETE', `/v1/conversations/${conversationId}/participants/alice`)

    await using _bob = await server.sse('bob')
    await server.call('bob', 'POST', `/v1/conversations/${conversationId}/typing`, { typing: false })
    const online = () =>
      carol.inbox.events.filter((event) => event.type === 'presence.changed' && event.online)
    await carol.inbox.until(() => online().length > 0 && carol.inbox.types.includes('typing.stopped'))
    expect(alice.inbox.types.filter((type) => type === 'presence.changed')).toHaveLength(1)
    expect(alice.inbox.types).not.toContain('typing.stopped')
  })

  test('a stream opens although some watched users do not exist, are erased, or share nothing', async () => {
    await using server = await startServer(using, { users: [...users, 'gone'] })
    const goneId = await idOf(server, 'gone')
    await server.send('alice', 'bob', 'hello')
    await server.call(undefined, 'DELETE', '/v1/users/gone')
    const presence = ['nobody', goneId, 'carol', 'bob', 'bob', 'alice']
    for (const open of [
      () => server.sse('alice', `?presence=${presence.join(',')}`),
      () => server.ws('alice', { presence }),
    ]) {
      await using stream = await open()
      await stream.inbox.until(() => stream.inbox.types.length >= 2)
      const watched = stream.inbox.events.flatMap((event) =>
        event.type === 'presence.changed' ? event.userId : [],
      )
      // A change of her own presence can follow.
      expect(watched.slice(0, 2)).toEqual([await idOf(server, 'bob'), await idOf(server, 'alice')])
    }
  })
})
