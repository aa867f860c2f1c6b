import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const STATES = ['accepted', 'incoming', 'outgoing'] as const

/** The state of each contact of this user, by username. */
async function contactsOf(server: TestServer, user: string): Promise<Record<string, string>> {
  const lists = await Promise.all(
    STATES.map(async (state) => (await server.as(user).contacts.list({ state })).items),
  )
  return Object.fromEntries(lists.flat().map((contact) => [contact.user.username, contact.state]))
}

describe.each(dialects)('contacts on %s', (using) => {
  test('are requested, listed for both users, and accepted', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]

    server.clock.set('2026-05-01T10:00:00.000Z')
    const request = await alice.contacts.add({ user: 'BOB' })
    expect(request).toEqual({
      user: await alice.users.get({ user: 'bob' }),
      state: 'outgoing',
      since: new Date('2026-05-01T10:00:00.000Z'),
    })
    expect((await bob.contacts.list({ state: 'incoming' })).items).toMatchObject([
      { user: { username: 'alice' }, since: request.since },
    ])
    server.clock.set('2026-05-01T11:00:00.000Z')
    expect(await alice.contacts.add({ user: 'bob' })).toEqual(request)

    expect(await bob.contacts.add({ user: 'alice' })).toMatchObject({
      user: { username: 'alice' },
      state: 'accepted',
      since: new Date('2026-05-01T11:00:00.000Z'),
    })
    server.clock.set('2026-05-01T12:00:00.000Z')
    expect(await alice.contacts.add({ user: 'bob' })).toMatchObject({
      state: 'accepted',
      since: new Date('2026-05-01T11:00:00.000Z'),
    })
    expect((await alice.contacts.list()).items).toMatchObject([{ user: { username: 'bob' } }])
    expect([await contactsOf(server, 'alice'), await contactsOf(server, 'bob')]).toEqual([
      { bob: 'accepted' },
      { alice: 'accepted' },
    ])
    // Being a contact does not reveal private fields.
    expect(Object.keys(request.user)).not.toContain('email')
  })

  test('are accepted when two users ask each other at the same time', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `user${n}`)
    await using server = await createTestServer({ using, users: names })
    const pairs = names.flatMap((a) => names.filter((b) => a !== b).map((b) => [a, b] as const))
    const answers = await Promise.all(
      pairs.map(([as, user]) => rest(server, `PUT /v1/contacts/${user}`, { as })),
    )

    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    // In each pair, one call sent the request and the other accepted it.
    const states = answers.map(({ body }) => (body as { state: string }).state)
    expect(states.filter((state) => state === 'accepted')).toHaveLength(pairs.length / 2)
    for (const name of names) {
      const others = names.filter((other) => other !== name).map((other) => [other, 'accepted'])
      expect(await contactsOf(server, name)).toEqual(Object.fromEntries(others))
    }
  })

  test('are removed for both users, as are requests, and removing a stranger does nothing', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    await alice.contacts.remove({ user: 'bob' })
    await alice.contacts.add({ user: 'bob' })
    await alice.contacts.remove({ user: 'bob' })
    expect([await contactsOf(server, 'alice'), await contactsOf(server, 'bob')]).toEqual([{}, {}])

    await alice.contacts.add({ user: 'bob' })
    await bob.contacts.add({ user: 'alice' })
    await bob.contacts.remove({ user: 'alice' })
    await bob.contacts.remove({ user: 'alice' })
    expect([await contactsOf(server, 'alice'), await contactsOf(server, 'bob')]).toEqual([{}, {}])
  })

  test('that are declined look unanswered to the sender, who can withdraw the request and ask again', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const request = await alice.contacts.add({ user: 'bob' })
    await bob.contacts.remove({ user: 'alice' })
    expect(await contactsOf(server, 'bob')).toEqual({})
    // Asking again changes nothing for either user.
    expect(await alice.contacts.add({ user: 'bob' })).toEqual(request)
    expect([await contactsOf(server, 'alice'), await contactsOf(server, 'bob')]).toEqual([
      { bob: 'outgoing' },
      {},
    ])

    await alice.contacts.remove({ user: 'bob' })
    await alice.contacts.add({ user: 'bob' })
    expect(await contactsOf(server, 'bob')).toEqual({ alice: 'incoming' })
    await bob.contacts.remove({ user: 'alice' })
    // A request from the user who declined is accepted immediately.
    expect((await bob.contacts.add({ user: 'alice' })).state).toBe('accepted')
    expect(await contactsOf(server, 'alice')).toEqual({ bob: 'accepted' })
  })

  test('cannot be the user themselves or an unknown user', async () => {
    await using server = await createTestServer({ using, users: ['alice'] })
    const { contacts } = server.as('alice')
    for (const call of [contacts.add, contacts.remove]) {
      expect(await failureOf(call({ user: 'alice' }))).toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: 'user', message: 'must not be the calling user' }],
      })
      expect(await codeOf(call({ user: 'nobody' }))).toBe('USER_NOT_FOUND')
    }
  })

  test('are listed by state, newest first, in pages without gaps or duplicates', async () => {
    const others = Array.from({ length: 7 }, (_, n) => `other${n}`)
    await using server = await createTestServer({ using, users: ['alice', ...others] })
    server.clock.set('2026-05-01T10:00:00.000Z')
    for (const [n, other] of others.entries()) {
      // Some share a timestamp.
      if (n % 3 === 0) server.clock.set(`2026-05-01T1${n}:00:00.000Z`)
      await server.as(other).contacts.add({ user: 'alice' })
    }
    const { contacts } = server.as('alice')
    const pages = await Array.fromAsync(contacts.list({ state: 'incoming', limit: 2 }).pages())
    const listed = pages.flatMap(({ items }) => items)
    expect(pages.map(({ items }) => items.length)).toEqual([2, 2, 2, 1])
    expect(listed.map(({ user }) => user.username).toSorted()).toEqual(others)
    const times = listed.map(({ since }) => since.getTime())
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    expect((await contacts.list()).items).toEqual([])

    await contacts.add({ user: 'other3' })
    expect((await contacts.list({ state: 'accepted' })).items).toMatchObject([
      { user: { username: 'other3' }, state: 'accepted' },
    ])
    const { nextCursor } = await server.client.users.list({ limit: 1 })
    expect(await codeOf(contacts.list({ cursor: nextCursor ?? '' }))).toBe('INVALID_CURSOR')
  })
})

describe.each(dialects)('direct messages restricted to contacts on %s', (using) => {
  test('are rejected between strangers, also from a service key, and create no conversation', async () => {
    await using server = await createTestServer({
      using,
      users: ['alice', 'bob'],
      settings: { directMessages: 'contacts' },
    })
    const bob = server.as('bob')
    await bob.contacts.add({ user: 'alice' })
    const rejected = [
      bob.messages.send({ to: 'alice', text: 'hello' }),
      bob.direct.send({ user: 'alice', text: 'hello' }),
      server.client.messages.send({ from: 'bob', to: 'alice', text: 'hello' }),
      // Alice has not accepted bob's request.
      server.as('alice').messages.send({ to: 'bob', text: 'hello' }),
    ]
    const codes = await Promise.all(rejected.map(codeOf))
    expect(new Set(codes)).toEqual(new Set(['FORBIDDEN']))
    expect((await server.as('alice').conversations.list()).items).toEqual([])

    await server.as('alice').contacts.add({ user: 'bob' })
    expect((await bob.messages.send({ to: 'alice', text: 'hello' })).seq).toBe(1)
  })

  test('are allowed as long as the users are contacts, and always to oneself', async () => {
    await using server = await createTestServer({
      using,
      users: ['alice', 'bob'],
      settings: { directMessages: 'contacts' },
    })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    await bob.contacts.add({ user: 'alice' })
    await alice.contacts.add({ user: 'bob' })
    const message = await bob.messages.send({ to: 'alice', text: 'hello' })
    const { conversationId } = message
    await alice.messages.like({ messageId: message.id })

    await alice.contacts.remove({ user: 'bob' })
    expect(await codeOf(bob.messages.send({ conversationId, text: 'still there?' }))).toBe('FORBIDDEN')
    expect(await codeOf(alice.messages.send({ to: 'bob', text: 'yes' }))).toBe('FORBIDDEN')
    expect(await codeOf(alice.messages.react({ messageId: message.id, emoji: '🎉' }))).toBe('FORBIDDEN')
    expect((await alice.messages.unlike({ messageId: message.id })).reactions).toEqual([])
    expect((await alice.direct.messages({ user: 'bob' })).items).toHaveLength(1)

    const note = await alice.messages.send({ to: 'alice', text: 'a note' })
    expect((await alice.messages.send({ to: 'alice', text: 'another' })).seq).toBe(2)
    expect((await alice.messages.like({ messageId: note.id })).reactions).toHaveLength(1)
  })
})
