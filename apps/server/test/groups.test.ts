import type { Event } from '@sotto/contract'
import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const users = ['alice', 'bob', 'carol', 'dave', 'eve']
const roleOf = async (server: TestServer, conversationId: string, user: string) => {
  const list = await Array.fromAsync(server.client.participants.list({ conversationId }))
  return list.find((participant) => participant.user.username === user)?.role
}

describe.each(dialects)('groups on %s', (using) => {
  test("are created with their participants and appear in each participant's inbox", async () => {
    await using server = await createTestServer({ using, users })
    const group = await server
      .as('alice')
      .conversations.create({ name: 'Weekend', participants: ['bob', 'BOB', 'carol', 'alice'] })
    expect(group).toMatchObject({
      kind: 'group',
      name: 'Weekend',
      participantCount: 3,
      lastSeq: 0,
      unreadCount: 0,
      lastMessage: null,
    })
    expect(group.participants.map(({ user, role }) => [user.username, role])).toEqual([
      ['alice', 'owner'],
      ['bob', 'member'],
      ['carol', 'member'],
    ])
    for (const user of ['alice', 'bob', 'carol']) {
      const { items } = await server.as(user).conversations.list()
      expect(items.map(({ id }) => id)).toEqual([group.id])
    }
    expect((await server.as('dave').conversations.list()).items).toEqual([])
    expect(await codeOf(server.as('dave').conversations.get({ conversationId: group.id }))).toBe(
      'CONVERSATION_NOT_FOUND',
    )
  })

  test('are listed in the inbox among direct conversations by last message, across pages', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const ids: string[] = []
    for (let n = 0; n < 4; n++) {
      const { id } = await alice.conversations.create({ name: `${n}`, participants: ['bob'] })
      ids.push(id)
    }
    for (const to of ['bob', 'carol', 'dave']) {
      server.clock.advance(1_000)
      ids.push((await alice.messages.send({ to, text: 'hi' })).conversationId)
    }
    server.clock.advance(1_000)
    const [first = ''] = ids
    await server.as('bob').messages.send({ conversationId: first, text: 'now' })
    const listed: string[] = []
    for await (const { id } of alice.conversations.list({ limit: 2 })) listed.push(id)
    expect(listed[0]).toBe(first)
    expect(listed.toSorted()).toEqual(ids.toSorted())
    expect(listed.slice(1, 4)).toEqual(ids.slice(4).toReversed())
  })

  test('enforce roles', async () => {
    await using server = await createTestServer({ using, users })
    const { id: conversationId } = await server
      .as('alice')
      .conversations.create({ name: 'G', participants: ['bob', 'carol'] })
    const as = (user: string) => server.as(user).participants
    const refusals = [
      as('carol').set({ conversationId, user: 'dave' }),
      as('carol').remove({ conversationId, user: 'bob' }),
      server.as('carol').conversations.update({ conversationId, name: 'Mine' }),
      as('bob').set({ conversationId, user: 'bob', role: 'admin' }),
      as('alice').set({ conversationId, user: 'alice', role: 'member' }),
    ]
    expect(new Set(await Promise.all(refusals.map(codeOf)))).toEqual(new Set(['FORBIDDEN']))
    expect(await codeOf(as('eve').set({ conversationId, user: 'eve' }))).toBe('CONVERSATION_NOT_FOUND')
    expect(await codeOf(as('eve').remove({ conversationId, user: 'bob' }))).toBe('CONVERSATION_NOT_FOUND')

    expect(await as('alice').set({ conversationId, user: 'bob', role: 'admin' })).toMatchObject({
      role: 'admin',
    })
    expect(await as('bob').set({ conversationId, user: 'dave' })).toMatchObject({ role: 'member' })
    expect(await as('bob').set({ conversationId, user: 'bob' })).toMatchObject({ role: 'admin' })
    expect((await server.as('bob').conversations.update({ conversationId, name: 'Ours' })).name).toBe('Ours')
    expect(await codeOf(as('bob').remove({ conversationId, user: 'alice' }))).toBe('FORBIDDEN')
    expect(await codeOf(as('bob').set({ conversationId, user: 'dave', role: 'admin' }))).toBe('FORBIDDEN')
    expect(await codeOf(as('bob').set({ conversationId, user: 'eve', role: 'admin' }))).toBe('FORBIDDEN')
    await as('bob').remove({ conversationId, user: 'dave' })
    await as('bob').remove({ conversationId, user: 'dave' })

    await as('alice').set({ conversationId, user: 'carol', role: 'owner' })
    expect(await roleOf(server, conversationId, 'alice')).toBe('admin')
    expect(await roleOf(server, conversationId, 'carol')).toBe('owner')
    expect(await codeOf(as('alice').set({ conversationId, user: 'bob', role: 'member' }))).toBe('FORBIDDEN')
    await as('carol').set({ conversationId, user: 'bob', role: 'member' })
    expect(await roleOf(server, conversationId, 'bob')).toBe('member')

    await server.client.participants.set({ conversationId, user: 'eve', role: 'owner' })
    expect(await roleOf(server, conversationId, 'carol')).toBe('admin')
    await server.client.participants.remove({ conversationId, user: 'eve' })
    // Alice and carol are admins. Alice joined first.
    expect(await roleOf(server, conversationId, 'alice')).toBe('owner')
  })

  test('get a new owner when theirs leaves, and can be empty', async () => {
    await using server = await createTestServer({ using, users })
    const { id: conversationId } = await server
      .as('alice')
      .conversations.create({ name: 'G', participants: ['bob'] })
    await server.as('alice').participants.remove({ conversationId, user: 'alice' })
    expect(await roleOf(server, conversationId, 'bob')).toBe('owner')
    await server.as('bob').participants.remove({ conversationId, user: 'bob' })
    expect(await server.client.conversations.get({ conversationId })).toMatchObject({
      participantCount: 0,
      participants: [],
    })
    await server.client.participants.set({ conversationId, user: 'carol', role: 'owner' })
    expect(await roleOf(server, conversationId, 'carol')).toBe('owner')
  })

  test.each([undefined, 'member', 'admin'] as const)(
    'have an owner again after a key has added someone to an empty one as %s',
    async (role) => {
      await using server = await createTestServer({ using, users })
      const { id: conversationId } = await server
        .as('alice')
        .conversations.create({ name: 'G', participants: [] })
      await server.as('alice').participants.remove({ conversationId, user: 'alice' })
      const add = (user: string) =>
        server.client.participants.set({ conversationId, user, ...(role && { role }) })
      expect((await add('bob')).role).toBe('owner')
      expect((await add('carol')).role).toBe(role ?? 'member')
      await server.as('bob').participants.set({ conversationId, user: 'dave' })
      expect(await roleOf(server, conversationId, 'bob')).toBe('owner')
      await server.client.users.erase({ user: 'bob' })
      await expect.poll(() => roleOf(server, conversationId, 'carol'), { timeout: 10_000 }).toBe('owner')
    },
  )

  test('let removed users read earlier messages, but nothing else', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const bob = server.as('bob')
    const { id: conversationId } = await alice.conversations.create({ name: 'G', participants: ['bob'] })
    const own = await bob.messages.send({ conversationId, text: 'mine' })
    await alice.participants.remove({ conversationId, user: 'bob' })
    const later = await alice.messages.send({ conversationId, text: 'later' })

    expect((await bob.messages.get({ messageId: own.id })).text).toBe('mine')
    expect(await codeOf(bob.messages.get({ messageId: later.id }))).toBe('MESSAGE_NOT_FOUND')
    const forbidden = [
      bob.messages.edit({ messageId: own.id, text: 'x' }),
      bob.messages.delete({ messageId: own.id }),
      bob.messages.like({ messageId: own.id }),
    ]
    expect(new Set(await Promise.all(forbidden.map(codeOf)))).toEqual(new Set(['FORBIDDEN']))
    const unknown = [
      bob.messages.send({ conversationId, text: 'x' }),
      bob.conversations.read({ conversationId, seq: 1 }),
      bob.conversations.typing({ conversationId, typing: true }),
      bob.conversations.get({ conversationId }),
      bob.conversations.receipts({ conversationId }),
      bob.participants.list({ conversationId }),
      bob.participants.set({ conversationId, user: 'bob' }),
      bob.conversations.update({ conversationId, name: 'x' }),
    ]
    expect(new Set(await Promise.all(unknown.map(codeOf)))).toEqual(new Set(['CONVERSATION_NOT_FOUND']))
  })

  test('send events only to users who were participants at the time', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const stop = new AbortController()
    const received = new Map<string, Event[]>()
    const listening = ['alice', 'bob', 'carol'].map(async (user) => {
      const events: Event[] = []
      received.set(user, events)
      for await (const event of server.as(user).events({ signal: stop.signal })) events.push(event)
    })
    let group = ''
    const ofGroupTo = (user: string) =>
      (received.get(user) ?? []).filter(
        (event) => event.conversationId === group && event.type !== 'receipt.updated',
      )
    const typesOf = (user: string) => ofGroupTo(user).map((event) => event.type)
    // Receiving a note to self shows that the stream has started.
    for (const user of ['alice', 'bob', 'carol']) {
      await expect
        .poll(async () => {
          await server.as(user).messages.send({ to: user, text: 'ready?' })
          return received.get(user)?.length
        })
        .toBeGreaterThan(0)
    }
    const { id: conversationId } = await alice.conversations.create({ name: 'G', participants: ['carol'] })
    group = conversationId
    await alice.messages.send({ conversationId, text: 'before bob' })
    const early = await alice.messages.send({ conversationId, text: 'early' })
    await alice.participants.set({ conversationId, user: 'bob' })
    await alice.messages.edit({ messageId: early.id, text: 'bob never saw this' })
    await alice.conversations.update({ conversationId, name: 'H' })
    await alice.participants.set({ conversationId, user: 'bob', role: 'admin' })
    await alice.messages.send({ conversationId, text: 'with bob' })
    // After his removal, bob would not receive events that were not read from the log yet.
    await expect.poll(() => typesOf('bob')).toContain('message.created')
    await alice.participants.remove({ conversationId, user: 'bob' })
    await alice.messages.send({ conversationId, text: 'after bob' })

    const ofGroup = [
      'conversation.created',
      'message.created',
      'message.created',
      'participant.joined',
      'message.edited',
      'conversation.updated',
      'participant.updated',
      'message.created',
      'participant.left',
      'message.created',
    ]
    await expect.poll(() => typesOf('carol')).toEqual(ofGroup)
    await expect.poll(() => typesOf('alice')).toEqual(ofGroup)
    expect(typesOf('bob')).toEqual([
      'conversation.created',
      'participant.joined',
      'conversation.updated',
      'participant.updated',
      'message.created',
      'participant.left',
    ])
    const renamed = ofGroupTo('bob').find((event) => event.type === 'conversation.updated')
    expect(renamed).toMatchObject({ conversation: { name: 'H', participantCount: 3 } })
    expect(ofGroupTo('carol').find((event) => event.type === 'participant.updated')).toMatchObject({
      role: 'admin',
    })
    stop.abort()
    await Promise.all(listening)
  })

  test('count messages of others as unread, except deleted ones', async () => {
    await using server = await createTestServer({ using, users })
    const { id: conversationId } = await server
      .as('alice')
      .conversations.create({ name: 'G', participants: ['bob', 'carol'] })
    const send = async (user: string, text: string) => server.as(user).messages.send({ conversationId, text })
    const unreadOf = async (user: string) =>
      (await server.as(user).conversations.get({ conversationId })).unreadCount
    await send('alice', '1')
    const second = await send('alice', '2')
    await send('bob', '3')
    expect([await unreadOf('alice'), await unreadOf('bob'), await unreadOf('carol')]).toEqual([1, 2, 3])
    await server.as('alice').messages.delete({ messageId: second.id })
    expect([await unreadOf('alice'), await unreadOf('bob'), await unreadOf('carol')]).toEqual([1, 1, 2])
    await server.as('carol').conversations.read({ conversationId, seq: 1 })
    expect(await unreadOf('carol')).toBe(1)
    await server.as('bob').conversations.read({ conversationId, seq: 3 })
    expect(await unreadOf('bob')).toBe(0)

    const receipts = await Array.fromAsync(
      server.as('alice').conversations.receipts({ conversationId, limit: 2 }),
    )
    const bob = await server.client.users.get({ user: 'bob' })
    expect(receipts).toHaveLength(3)
    // Bob has sent the last message, so he has not read it.
    expect(receipts.find((receipt) => receipt.userId === bob.id)).toMatchObject({ readSeq: 3, readAt: null })
    const ofFirst = await server.as('alice').conversations.receipts({ conversationId, seq: 1 })
    expect(ofFirst.items.filter((receipt) => receipt.readAt !== null)).toHaveLength(2)
  })

  test('reject more than 250 participants, unknown users and invalid names, naming the field', async () => {
    const many = Array.from({ length: 251 }, (_, n) => `user${n}`)
    await using server = await createTestServer({ using, users: [...users, ...many] })
    const alice = server.as('alice')
    const tooMany = await failureOf(alice.conversations.create({ name: 'G', participants: many }))
    expect(tooMany).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'participants' }] })
    const unknown = await failureOf(
      alice.conversations.create({ name: 'G', participants: ['bob', 'nobody'] }),
    )
    expect(unknown).toMatchObject({ code: 'USER_NOT_FOUND', issues: [{ path: 'participants.1' }] })
    const { id: groupId } = await alice.conversations.create({ name: 'G', participants: [] })
    for (const name of ['', '  ', 'x'.repeat(129), 'a\u0000', '\u200b', 'a\nb', 'a\u202eb']) {
      expect(await codeOf(alice.conversations.create({ name, participants: [] }))).toBe('INVALID_INPUT')
      const rename = alice.conversations.update({ conversationId: groupId, name })
      expect(await codeOf(rename)).toBe('INVALID_INPUT')
    }

    const full = await alice.conversations.create({ name: 'G', participants: many.slice(0, 248) })
    expect(full.participantCount).toBe(249)
    expect(full.participants).toHaveLength(50)
    const outcomes = await Promise.allSettled(
      many.slice(248).map((user) => alice.participants.set({ conversationId: full.id, user })),
    )
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    const listed: string[] = []
    for await (const { user } of alice.participants.list({ conversationId: full.id, limit: 100 }))
      listed.push(user.username)
    expect(new Set(listed).size).toBe(250)

    const { conversationId } = await alice.messages.send({ to: 'bob', text: 'hi' })
    expect(await codeOf(alice.participants.set({ conversationId, user: 'carol' }))).toBe('FORBIDDEN')
    expect(await codeOf(alice.participants.remove({ conversationId, user: 'alice' }))).toBe('FORBIDDEN')
    expect(await codeOf(alice.conversations.update({ conversationId, name: 'x' }))).toBe('FORBIDDEN')
  })

  test('accept no message from a user after their removal has returned', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const bob = server.as('bob')
    for (let round = 0; round < 5; round++) {
      const { id: conversationId } = await alice.conversations.create({ name: 'G', participants: ['bob'] })
      const sends = Array.from({ length: 10 }, (_, n) =>
        bob.messages.send({ conversationId, text: `${n}` }).then(
          (message) => message.seq,
          () => 0,
        ),
      )
      await alice.participants.remove({ conversationId, user: 'bob' })
      const { lastSeq } = await alice.conversations.get({ conversationId })
      const seqs = await Promise.all(sends)
      expect(Math.max(...seqs)).toBe(lastSeq)
      expect((await alice.conversations.get({ conversationId })).lastSeq).toBe(lastSeq)
    }
  })
})
