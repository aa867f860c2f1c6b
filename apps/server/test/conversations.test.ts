import type { Message, SottoClient } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const users = ['alice', 'bob', 'carol']

describe.each(dialects)('conversations on %s', (using) => {
  test('are created by the first message in either direction, and do not exist before', async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    for (const client of [alice, bob]) {
      const user = client === alice ? 'bob' : 'alice'
      expect(await codeOf(client.direct.get({ user }))).toBe('CONVERSATION_NOT_FOUND')
      expect(await client.direct.messages({ user })).toEqual({ items: [], nextCursor: null })
      expect(await client.messages.between(['alice', 'bob'])).toEqual({ items: [], nextCursor: null })
      expect(await client.direct.messages({ user, page: 1 })).toEqual({ items: [], nextCursor: null })
      expect(await client.conversations.list()).toEqual({ items: [], nextCursor: null })
    }
    expect(await codeOf(alice.direct.get({ user: 'nobody' }))).toBe('USER_NOT_FOUND')
    expect(await codeOf(alice.direct.messages({ user: 'nobody' }))).toBe('USER_NOT_FOUND')

    server.clock.set('2026-05-01T10:00:00.000Z')
    const sent = await alice.messages.send({ to: 'bob', text: 'hi' })
    const seen = await bob.direct.get({ user: 'alice' })
    expect(seen).toEqual({
      id: sent.conversationId,
      kind: 'direct',
      name: null,
      participantCount: 2,
      participants: [
        { user: await alice.users.get({ user: 'alice' }).then(withoutEmail), role: 'member' },
        { user: await alice.users.get({ user: 'bob' }), role: 'member' },
      ],
      lastMessage: { ...sent, clientMessageId: null },
      lastSeq: 1,
      readSeq: 0,
      unreadCount: 1,
      createdAt: new Date('2026-05-01T10:00:00.000Z'),
      updatedAt: new Date('2026-05-01T10:00:00.000Z'),
    })
    expect(await bob.direct.send({ user: 'alice', text: 'hello' })).toMatchObject({
      conversationId: sent.conversationId,
      seq: 2,
    })
    expect(await server.client.conversations.get({ conversationId: sent.conversationId })).toMatchObject({
      readSeq: 0,
      unreadCount: 0,
      lastSeq: 2,
      lastMessage: { seq: 2, clientMessageId: null },
    })
  })

  test("are in the participants' inboxes only, ordered by latest activity", async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const at = (second: number) => server.clock.set(`2026-05-01T10:00:0${second}.000Z`)
    at(1)
    const toBob = await alice.messages.send({ to: 'bob', text: 'x' })
    at(2)
    const toCarol = await alice.messages.send({ to: 'carol', text: 'x' })
    at(3)
    const note = await alice.messages.send({ to: 'alice', text: 'x' })
    at(4)
    const order = async (client: SottoClient) => (await client.conversations.list()).items.map(({ id }) => id)
    expect(await order(alice)).toEqual([note, toCarol, toBob].map((message) => message.conversationId))
    // Reading, editing and liking do not count as activity.
    await server.as('bob').messages.like({ messageId: toBob.id })
    await alice.messages.edit({ messageId: toBob.id, text: 'y' })
    await server.as('bob').conversations.read({ conversationId: toBob.conversationId, seq: 1 })
    expect(await order(alice)).toEqual([note, toCarol, toBob].map((message) => message.conversationId))
    await server.as('bob').messages.send({ to: 'alice', text: 'x' })
    expect(await order(alice)).toEqual([toBob, note, toCarol].map((message) => message.conversationId))
    expect(await order(server.as('carol'))).toEqual([toCarol.conversationId])

    const paged: string[] = []
    for await (const { id } of alice.conversations.list({ limit: 1 })) paged.push(id)
    expect(paged).toEqual(await order(alice))
    expect(await codeOf(server.client.conversations.list())).toBe('ACTOR_REQUIRED')
  })

  test('with the same timestamp are all listed across pages', async () => {
    const others = Array.from({ length: 6 }, (_, index) => `user-${index}`)
    await using server = await createTestServer({ using, users: ['alice', ...others] })
    server.clock.set('2026-05-01T10:00:00.000Z')
    for (const to of others) await server.as('alice').messages.send({ to, text: 'x' })
    const alice = server.as('alice')
    const [inbox, people, messages] = [new Set<string>(), new Set<string>(), new Set<string>()]
    for await (const { id } of alice.conversations.list({ limit: 2 })) inbox.add(id)
    for await (const { user } of alice.users.correspondents({ user: 'alice', limit: 2 })) people.add(user.id)
    for await (const { id } of alice.messages.list({ limit: 2 })) messages.add(id)
    expect([inbox.size, people.size, messages.size]).toEqual([6, 6, 6])
  })

  test('have a read mark that never moves back or past the last message', async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    let conversationId = ''
    for (const text of ['1', '2', '3']) ({ conversationId } = await alice.messages.send({ to: 'bob', text }))
    const read = (seq: number, as = bob) => as.conversations.read({ conversationId, seq })

    expect(await read(0)).toEqual({ readSeq: 0, unreadCount: 3 })
    expect(await read(2)).toEqual({ readSeq: 2, unreadCount: 1 })
    expect(await read(1)).toEqual({ readSeq: 2, unreadCount: 1 })
    expect(await read(2)).toEqual({ readSeq: 2, unreadCount: 1 })
    const beyond = await failureOf(read(4))
    expect([beyond.code, beyond.issues.map(({ path }) => path)]).toEqual(['INVALID_INPUT', ['seq']])
    expect(await read(3)).toEqual({ readSeq: 3, unreadCount: 0 })
    expect(await read(3, alice)).toEqual({ readSeq: 3, unreadCount: 0 })
    expect(await codeOf(read(1, server.as('carol')))).toBe('CONVERSATION_NOT_FOUND')
    expect(await codeOf(server.client.conversations.read({ conversationId, seq: 1 }))).toBe('ACTOR_REQUIRED')
    for (const seq of ['1', -1, 1.5, null, true, 2 ** 53]) {
      const answer = await rest(server, `POST /v1/conversations/${conversationId}/read`, {
        as: 'bob',
        json: { seq },
      })
      expect(answer, String(seq)).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } })
    }
  })

  test("move the sender's read mark only if it is right before the new message", async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const marks = async (client: SottoClient, user: string) => {
      const { readSeq, unreadCount } = await client.direct.get({ user })
      return [readSeq, unreadCount]
    }
    await alice.messages.send({ to: 'bob', text: '1' })
    await alice.messages.send({ to: 'bob', text: '2' })
    expect(await marks(alice, 'bob')).toEqual([2, 0])
    expect(await marks(bob, 'alice')).toEqual([0, 2])
    const { conversationId } = await bob.messages.send({ to: 'alice', text: '3' })
    expect(await marks(bob, 'alice')).toEqual([0, 2])
    expect(await marks(alice, 'bob')).toEqual([2, 1])
    await bob.conversations.read({ conversationId, seq: 3 })
    await bob.messages.send({ to: 'alice', text: '4' })
    expect(await marks(bob, 'alice')).toEqual([4, 0])
  })

  test('do not count deleted messages as unread', async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const sent: Message[] = []
    for (const text of ['1', '2', '3']) sent.push(await alice.messages.send({ to: 'bob', text }))
    const unread = async () => (await bob.direct.get({ user: 'alice' })).unreadCount
    await alice.messages.delete({ messageId: sent[2]?.id ?? '' })
    expect(await unread()).toBe(2)
    await bob.conversations.read({ conversationId: sent[0]?.conversationId ?? '', seq: 1 })
    await alice.messages.delete({ messageId: sent[0]?.id ?? '' })
    expect(await unread()).toBe(1)
    // Deleting it again has no effect.
    await alice.messages.delete({ messageId: sent[2]?.id ?? '' })
    expect(await unread()).toBe(1)
    expect((await bob.conversations.list()).items[0]?.unreadCount).toBe(1)
  })

  test('count unread messages consistently during concurrent sends', async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const { conversationId } = await alice.messages.send({ to: 'bob', text: '1' })
    await alice.messages.send({ to: 'bob', text: '2' })
    const counts = new Set<number>()
    const looking = Array.from({ length: 4 }, async () => {
      for (let time = 0; time < 40; time += 1) {
        counts.add((await bob.conversations.get({ conversationId })).unreadCount)
      }
    })
    const sending = Array.from({ length: 60 }, (_, text) =>
      bob.messages.send({ to: 'alice', text: `${text}` }),
    )
    await Promise.all([...looking, ...sending])
    expect([...counts]).toEqual([2])
  })

  test('show the sender when a message was delivered and read', async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    server.clock.set('2026-05-01T10:00:00.000Z')
    const { id: messageId, conversationId } = await alice.messages.send({ to: 'bob', text: '1' })
    const marks = async () => {
      const { deliveredAt, readAt } = await alice.messages.get({ messageId })
      return [deliveredAt?.toISOString() ?? null, readAt?.toISOString() ?? null]
    }
    server.clock.advance(1_000)
    await server.client.messages.get({ messageId })
    await server.client.conversations.messages({ conversationId })
    await alice.direct.messages({ user: 'bob' })
    expect(await marks()).toEqual([null, null])

    await bob.direct.messages({ user: 'alice' })
    await expect.poll(marks).toEqual(['2026-05-01T10:00:01.000Z', null])
    server.clock.advance(1_000)
    await bob.conversations.read({ conversationId, seq: 1 })
    expect(await marks()).toEqual(['2026-05-01T10:00:01.000Z', '2026-05-01T10:00:02.000Z'])
    server.clock.advance(1_000)
    await bob.conversations.read({ conversationId, seq: 1 })
    await bob.messages.get({ messageId })
    expect(await marks()).toEqual(['2026-05-01T10:00:01.000Z', '2026-05-01T10:00:02.000Z'])

    // A read message counts as delivered even if it was never fetched.
    const unseen = await alice.messages.send({ to: 'bob', text: '2' })
    await bob.conversations.read({ conversationId, seq: 2 })
    expect(await alice.messages.get({ messageId: unseen.id })).toMatchObject({
      deliveredAt: new Date('2026-05-01T10:00:03.000Z'),
      readAt: new Date('2026-05-01T10:00:03.000Z'),
    })
  })

  test.each([
    ['inbox', (bob: SottoClient) => bob.conversations.list()],
    ['conversation', (bob: SottoClient) => bob.direct.get({ user: 'alice' })],
    ['messages of a conversation', (bob: SottoClient) => bob.direct.messages({ user: 'alice' })],
    ['timeline', (bob: SottoClient) => bob.messages.list()],
    ['messages between two users', (bob: SottoClient) => bob.messages.between(['alice', 'bob'])],
  ])('record a delivery when the recipient fetches: %s', async (_, read) => {
    await using server = await createTestServer({ using, users })
    const { id: messageId } = await server.as('alice').messages.send({ to: 'bob', text: '1' })
    await read(server.as('bob'))
    await expect
      .poll(async () => (await server.as('alice').messages.get({ messageId })).deliveredAt, {
        timeout: 10_000,
      })
      .not.toBeNull()
  })

  test('respond to users outside them exactly as if they did not exist', async () => {
    await using server = await createTestServer({ using, users })
    const sent = await server.as('alice').messages.send({ to: 'bob', text: 'private' })
    const missing = '019c13a0-0000-7000-8000-0000000000ff'
    const answer = async (line: string, id: string, json?: object) => {
      const [method = '', path = ''] = line.replace('ID', id).split(' ')
      const { status, headers, body } = await rest(server, `${method} ${path}` as 'GET /', {
        as: 'carol',
        headers: { 'x-request-id': 'same' },
        ...(json && { json }),
      })
      return { status, headers: [...headers].filter(([name]) => name !== 'date'), body }
    }
    const message: [string, object?][] = [
      ['GET /v1/messages/ID'],
      ['PATCH /v1/messages/ID', { text: 'x' }],
      ['DELETE /v1/messages/ID'],
      ['PUT /v1/messages/ID/like'],
      ['DELETE /v1/messages/ID/like'],
      ['PUT /v1/messages/ID/reactions/%F0%9F%8E%89'],
      ['DELETE /v1/messages/ID/reactions/%F0%9F%8E%89'],
    ]
    for (const [line, json] of message) {
      expect(await answer(line, sent.id, json)).toEqual(await answer(line, missing, json))
      expect(await answer(line, sent.id, json)).toMatchObject({
        status: 404,
        body: { code: 'MESSAGE_NOT_FOUND' },
      })
    }
    const conversation: [string, object?][] = [
      ['GET /v1/conversations/ID'],
      ['GET /v1/conversations/ID/messages'],
      ['GET /v1/conversations/ID/messages?page=1'],
      ['GET /v1/conversations/ID/messages?cursor=garbage'],
      ['POST /v1/conversations/ID/read', { seq: 1 }],
      ['POST /v1/conversations/ID/read', { seq: 99 }],
      ['POST /v1/messages', { conversationId: 'ID', text: 'x' }],
    ]
    for (const [line, json] of conversation) {
      const withId = (id: string) => json && JSON.parse(JSON.stringify(json).replace('ID', id))
      const foreign = await answer(line, sent.conversationId, withId(sent.conversationId))
      expect(foreign).toEqual(await answer(line, missing, withId(missing)))
      expect(foreign).toMatchObject({ status: 404, body: { code: 'CONVERSATION_NOT_FOUND' } })
    }
    // A bare key cannot name a sender who is not a participant either.
    const json = { conversationId: sent.conversationId, from: 'carol', text: 'x' }
    expect(await rest(server, 'POST /v1/messages', { json })).toMatchObject({ status: 404 })
  })

  test('accept messages addressed by conversation id', async () => {
    await using server = await createTestServer({ using, users })
    const { conversationId } = await server.as('alice').messages.send({ to: 'bob', text: '1' })
    const answer = await server
      .as('bob')
      .messages.send({ conversationId: conversationId.toUpperCase(), text: '2' })
    expect(answer).toMatchObject({ conversationId, seq: 2, sender: 'bob' })
    expect(
      (await server.as('alice').messages.list({ recipient: 'alice' })).items.map(({ seq }) => seq),
    ).toEqual([2])
    const byKey = await rest(server, 'POST /v1/messages', {
      json: { conversationId, from: 'alice', text: '3' },
    })
    expect(byKey).toMatchObject({ status: 201, body: { sender: 'alice', seq: 3 } })
  })
})

function withoutEmail<User extends { email?: string | null | undefined }>({ email: _, ...user }: User) {
  return user
}
