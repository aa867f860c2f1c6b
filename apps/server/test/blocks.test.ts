import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

describe.each(dialects)('blocks on %s', (using) => {
  test('are listed only for the user who added them, newest first, in pages', async () => {
    const others = Array.from({ length: 5 }, (_, n) => `other${n}`)
    await using server = await createTestServer({ using, users: ['alice', ...others] })
    const { blocks } = server.as('alice')
    server.clock.set('2026-05-01T10:00:00.000Z')
    for (const user of others.slice(0, 3)) await blocks.add({ user })
    server.clock.set('2026-05-01T11:00:00.000Z')
    for (const user of others) await blocks.add({ user })

    const pages = await Array.fromAsync(blocks.list({ limit: 2 }).pages())
    const listed = pages.flatMap(({ items }) => items)
    expect(pages.map(({ items }) => items.length)).toEqual([2, 2, 1])
    expect(listed.map(({ user }) => user.username).toSorted()).toEqual(others)
    // Blocking a user again keeps the original time.
    expect(listed.map(({ since }) => since.getUTCHours())).toEqual([11, 11, 10, 10, 10])
    expect((await server.as('other0').blocks.list()).items).toEqual([])

    await blocks.remove({ user: 'other0' })
    await blocks.remove({ user: 'other0' })
    const left = await Array.fromAsync(blocks.list())
    expect(left.map(({ user }) => user.username).toSorted()).toEqual(others.slice(1))
    for (const call of [blocks.add, blocks.remove]) {
      expect((await failureOf(call({ user: 'alice' }))).issues).toMatchObject([{ path: 'user' }])
      expect(await codeOf(call({ user: 'nobody' }))).toBe('USER_NOT_FOUND')
    }
  })

  test('end a contact for both users, withdraw outgoing requests, and keep declined requests looking unanswered', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol', 'dave'] })
    const alice = server.as('alice')
    await alice.contacts.add({ user: 'bob' })
    await server.as('bob').contacts.add({ user: 'alice' })
    await alice.contacts.add({ user: 'carol' })
    const request = await server.as('dave').contacts.add({ user: 'alice' })
    for (const user of ['bob', 'carol', 'dave']) await alice.blocks.add({ user })

    for (const state of ['accepted', 'incoming', 'outgoing'] as const) {
      expect((await alice.contacts.list({ state })).items).toEqual([])
      expect((await server.as('bob').contacts.list({ state })).items).toEqual([])
      expect((await server.as('carol').contacts.list({ state })).items).toEqual([])
    }
    expect((await server.as('dave').contacts.list({ state: 'outgoing' })).items).toEqual([request])
    // Unblocking does not restore contacts.
    await alice.blocks.remove({ user: 'bob' })
    expect((await alice.contacts.list()).items).toEqual([])
  })

  test('stop both users from messaging, editing, reacting and sending contact requests, but not from deleting messages', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const own = await bob.messages.send({ to: 'alice', text: 'from bob' })
    const hers = await alice.messages.send({ to: 'bob', text: 'from alice' })
    await bob.messages.like({ messageId: hers.id })
    await alice.blocks.add({ user: 'bob' })

    const tries = (client: typeof bob, other: string) => [
      client.messages.edit({ messageId: client === bob ? own.id : hers.id, text: 'edited' }),
      client.messages.send({ to: other, text: 'hello' }),
      client.messages.send({ conversationId: own.conversationId, text: 'hello' }),
      client.direct.send({ user: other, text: 'hello' }),
      client.messages.react({ messageId: hers.id, emoji: '🎉' }),
      client.messages.react({ messageId: own.id, emoji: '🎉' }),
      client.messages.like({ messageId: hers.id }),
      client.contacts.add({ user: other }),
    ]
    const failures = await Promise.all(tries(bob, 'alice').map(failureOf))
    failures.push(await failureOf(server.client.messages.send({ from: 'bob', to: 'alice', text: 'hello' })))
    const [first] = failures
    for (const { code, message } of failures) {
      expect([code, message]).toEqual(['FORBIDDEN', first?.message])
    }
    for (const { code, message } of await Promise.all(tries(alice, 'bob').map(failureOf))) {
      expect([code, message]).toEqual(['FORBIDDEN', 'you have blocked this user: unblock them first'])
    }

    expect((await bob.messages.unlike({ messageId: hers.id })).reactions).toEqual([])
    expect((await bob.messages.delete({ messageId: own.id })).deletedAt).not.toBeNull()
    expect((await bob.conversations.list()).items).toHaveLength(1)
    expect((await alice.direct.messages({ user: 'bob' })).items).toHaveLength(2)

    await alice.blocks.remove({ user: 'bob' })
    expect((await bob.messages.send({ to: 'alice', text: 'thank you' })).seq).toBe(3)
  })

  test('stop both users from adding each other to groups, but do not affect groups they share', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol'] })
    const [alice, bob, carol] = [server.as('alice'), server.as('bob'), server.as('carol')]
    const own = await bob.conversations.create({ name: "bob's", participants: ['carol'] })
    await alice.blocks.add({ user: 'bob' })
    const rejected = await failureOf(
      bob.conversations.create({ name: 'a trap', participants: ['carol', 'alice'] }),
    )
    expect([rejected.code, rejected.message]).toEqual([
      'FORBIDDEN',
      'this user does not accept this from you',
    ])
    expect(await codeOf(bob.participants.set({ conversationId: own.id, user: 'alice' }))).toBe('FORBIDDEN')
    expect(await codeOf(alice.conversations.create({ name: 'mine', participants: ['bob'] }))).toBe(
      'FORBIDDEN',
    )
    expect((await carol.conversations.list()).items).toHaveLength(1)

    const shared = await carol.conversations.create({ name: 'ours', participants: ['alice', 'bob'] })
    const { id: messageId } = await bob.messages.send({ conversationId: shared.id, text: 'hello' })
    await alice.messages.send({ conversationId: shared.id, text: 'hello' })
    expect((await alice.messages.like({ messageId })).reactions).toHaveLength(1)
    // A service key can still add them.
    await server.client.participants.set({ conversationId: own.id, user: 'alice' })
    expect((await alice.conversations.get({ conversationId: own.id })).participantCount).toBe(3)
  })

  test('hide for good what was read during the block', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const { conversationId } = await bob.messages.send({ to: 'alice', text: 'read before' })
    await alice.conversations.read({ conversationId, seq: 1 })
    await bob.messages.send({ to: 'alice', text: 'read during the block' })
    await bob.messages.send({ to: 'alice', text: 'not read' })
    await alice.blocks.add({ user: 'bob' })
    await alice.conversations.read({ conversationId, seq: 2 })

    const known = async () => {
      const texts = async (isRead: boolean) =>
        (await bob.messages.list({ sender: 'bob', isRead })).items.map(({ text }) => text)
      const { id } = await bob.users.get({ user: 'alice' })
      const { items } = await bob.conversations.receipts({ conversationId, seq: 2 })
      const { deliveredSeq, readSeq, readAt } = items.find(({ userId }) => userId === id) ?? {}
      return { read: await texts(true), unread: await texts(false), deliveredSeq, readSeq, readAt }
    }
    const before = {
      read: ['read before'],
      unread: ['not read', 'read during the block'],
      deliveredSeq: 1,
      readSeq: 1,
      readAt: null,
    }
    expect(await known()).toEqual(before)
    await alice.blocks.remove({ user: 'bob' })
    expect(await known()).toEqual(before)
    // Alice's own lists, and those of a service key, are complete.
    for (const client of [alice, server.client]) {
      const { items } = await client.messages.list({ recipient: 'alice', isRead: true })
      expect(items.map(({ seq }) => seq)).toEqual([2, 1])
    }
    expect((await alice.conversations.get({ conversationId })).readSeq).toBe(2)

    await alice.conversations.read({ conversationId, seq: 3 })
    expect(await known()).toMatchObject({ unread: [], deliveredSeq: 3, readSeq: 3 })
    // A reply also moves the mark past the user's own message.
    await alice.messages.send({ to: 'bob', text: 'reply' })
    expect(await known()).toMatchObject({ readSeq: 4 })
  })

  test('in both directions are removed independently', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    await alice.blocks.add({ user: 'bob' })
    await bob.blocks.add({ user: 'alice' })
    await alice.blocks.remove({ user: 'bob' })
    const failure = await failureOf(alice.messages.send({ to: 'bob', text: 'hello' }))
    expect(failure.message).not.toBe('you have blocked this user: unblock them first')
    await bob.blocks.remove({ user: 'alice' })
    expect((await alice.messages.send({ to: 'bob', text: 'hello' })).seq).toBe(1)
  })

  test('do not prevent retries of a message sent before the block', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const message = { to: 'alice', text: 'hello', clientMessageId: 'one' }
    const sent = await server.as('bob').messages.send(message)
    await server.as('alice').blocks.add({ user: 'bob' })
    expect(await server.as('bob').messages.send(message)).toEqual(sent)
    const other = { ...message, clientMessageId: 'two' }
    expect(await codeOf(server.as('bob').messages.send(other))).toBe('FORBIDDEN')
  })

  test('give a blocked user the same responses as a stranger, byte for byte', async () => {
    await using server = await createTestServer({
      using,
      users: ['alice', 'bob', 'eve'],
      settings: { directMessages: 'contacts' },
    })
    const alice = server.as('alice')
    const messageIds = new Map<string, string>()
    for (const name of ['bob', 'eve']) {
      await alice.contacts.add({ user: name })
      await server.as(name).contacts.add({ user: 'alice' })
      const { id } = await alice.messages.send({ to: name, text: 'hello' })
      messageIds.set(name, id)
    }
    // Both were contacts of alice. Now eve is a stranger, and bob is blocked.
    await alice.contacts.remove({ user: 'eve' })
    await alice.blocks.add({ user: 'bob' })
    await alice.contacts.remove({ user: 'bob' })

    const answers = async (as: string) => {
      const messageId = messageIds.get(as)
      const send = { as, json: { to: 'alice', text: 'hello' } }
      const all = [
        await rest(server, 'POST /v1/messages', send),
        await rest(server, 'POST /v1/direct/alice/messages', { as, json: { text: 'hello' } }),
        await rest(server, `PUT /v1/messages/${messageId}/like`, { as }),
        await rest(server, 'GET /v1/users/alice', { as }),
        await rest(server, 'GET /v1/contacts', { as }),
      ]
      return all.map(({ status, headers, body }) => {
        const { requestId, ...shown } = body as Record<string, unknown>
        return [status, headers.get('content-type'), headers.get('content-length'), JSON.stringify(shown)]
      })
    }
    const toBlocked = await answers('bob')
    expect(toBlocked.map(([status]) => status)).toEqual([403, 403, 403, 200, 200])
    expect(toBlocked).toEqual(await answers('eve'))
  })

  test('take effect before the call returns, even for messages being sent', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const { conversationId } = await server.as('bob').messages.send({ to: 'alice', text: 'hello' })
    const lastSeq = async () => (await server.client.conversations.get({ conversationId })).lastSeq
    let rejected = 0
    for (let round = 0; round < 8; round++) {
      const sends = Array.from({ length: 12 }, (_, n) => sendOf(server, `${round}-${n}`))
      // Block while the others are in flight.
      await sends[2]
      await server.as('alice').blocks.add({ user: 'bob' })
      const last = await lastSeq()
      sends.push(sendOf(server, `${round}-after`))
      rejected += (await Promise.all(sends)).filter((status) => status === 403).length
      expect(await lastSeq()).toBe(last)
      await server.as('alice').blocks.remove({ user: 'bob' })
    }
    expect(rejected).toBeGreaterThanOrEqual(8)
  })
})

/** A plain request, because the SDK sends a user's messages one at a time. */
async function sendOf(server: TestServer, text: string): Promise<number> {
  return (await rest(server, 'POST /v1/messages', { as: 'bob', json: { to: 'alice', text } })).status
}
