import type { Fetch, LiveState } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSettled, textsOf, until } from './support/live.ts'

const names = ['alice', 'bob', 'carol', 'dave']

describe.each(['sqlite', 'postgres'] as const)('a live group on %s', (using) => {
  let server: TestServer
  const ids: Record<string, string> = {}
  beforeAll(async () => {
    server = await createTestServer({ using, users: names })
    for (const user of names) ids[user] = (await server.client.users.get({ user })).id
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  async function group(...participants: string[]): Promise<{ conversationId: string }> {
    const { id } = await server.as('alice').conversations.create({ name: 'Weekend', participants })
    return { conversationId: id }
  }
  const view = (user: string, target: { conversationId: string }) =>
    server.as(user).conversation(target).live()
  const rolesOf = ({ participants }: LiveState) =>
    participants.map(({ user, role }) => `${user.username} ${role}`)

  it('keeps its name, participants and roles up to date', async () => {
    const target = await group('bob', 'carol')
    await using bob = view('bob', target)
    const before = await until(bob, ({ isLoaded }) => isLoaded)
    expect(before).toMatchObject({
      kind: 'group',
      name: 'Weekend',
      participantCount: 3,
      hasLeft: false,
      messages: [],
    })
    expect(rolesOf(before)).toEqual(['alice owner', 'bob member', 'carol member'])

    const alice = server.as('alice')
    await alice.conversations.update({ ...target, name: 'Sunday' })
    await until(bob, ({ name }) => name === 'Sunday')
    await alice.participants.set({ ...target, user: 'bob', role: 'admin' })
    await alice.participants.remove({ ...target, user: 'carol' })
    await until(bob, (state) => rolesOf(state).join() === 'alice owner,bob admin')
    await alice.participants.set({ ...target, user: 'dave' })
    const joined = await until(bob, ({ participantCount }) => participantCount === 3)
    expect(rolesOf(joined)).toEqual(['alice owner', 'bob admin', 'dave member'])
    await alice.participants.remove({ ...target, user: 'alice' })
    await until(bob, (state) => rolesOf(state).join() === 'bob owner,dave member')
  })

  it('reports a removal, keeps readable messages, and continues after the user is added again', async () => {
    const target = await group('bob')
    const alice = server.as('alice')
    const first = await alice.messages.send({ ...target, text: '1' })
    await using bob = view('bob', target)
    await until(bob, isSettled(1))

    await alice.participants.remove({ ...target, user: 'bob' })
    await until(bob, ({ hasLeft }) => hasLeft)
    await alice.messages.edit({ messageId: first.id, text: 'one' })
    await alice.messages.send({ ...target, text: '2' })
    expect(textsOf(bob.state)).toEqual(['1'])
    const failed = bob.send('too late')
    const rejected = await until(bob, ({ messages }) => messages[1]?.status === 'failed')
    expect(rejected.messages[1]).toMatchObject({
      clientMessageId: failed,
      error: { code: 'CONVERSATION_NOT_FOUND' },
    })
    expect(rejected).toMatchObject({ connection: 'connected', hasLeft: true })
    await expect(bob.like(first.id)).rejects.toMatchObject({ code: 'FORBIDDEN' })

    await using late = view('bob', target)
    expect(await until(late, isSettled(1))).toMatchObject({ hasLeft: true, hasOlder: false })
    expect(textsOf(late.state)).toEqual(['1'])

    await alice.participants.set({ ...target, user: 'bob' })
    await alice.messages.send({ ...target, text: '3' })
    for (const live of [bob, late]) {
      await until(live, (state) => !state.hasLeft && textsOf(state).slice(0, 2).join() === 'one,3')
      await until(live, ({ unreadCount, participantCount }) => unreadCount === 1 && participantCount === 2)
    }
    bob.retry(failed)
    const back = await until(bob, isSettled(3))
    expect(textsOf(back)).toEqual(['one', '3', 'too late'])
    expect(back.messages.map((one) => 'seq' in one && one.seq)).toEqual([1, 3, 4])
  })

  it('loads messages sent before a removal that happened while disconnected', async () => {
    const target = await group('bob')
    await server.as('alice').messages.send({ ...target, text: '1' })
    let isOpen = false
    const fetch: Fetch = (url, init) => {
      if (!isOpen && new URL(url).pathname === '/v1/events') throw new TypeError('no network')
      return server.fetch(url, init)
    }
    const events = { maxBackoffMs: 5 }
    const client = createClient({ url: server.url, token: server.serviceKey, fetch, events })
    await using bob = client.as('bob').conversation(target).live()
    await until(bob, isSettled(1))
    await server.as('alice').messages.send({ ...target, text: '2' })
    await server.as('alice').participants.remove({ ...target, user: 'bob' })
    isOpen = true
    expect(await until(bob, isSettled(2))).toMatchObject({ hasLeft: true })
  })

  it('shows read marks, typing users and the unread count', async () => {
    const target = await group('bob', 'carol', 'dave')
    await using alice = view('alice', target)
    await using bob = view('bob', target)
    await until(alice, ({ readMarks }) => readMarks.length === 3)
    alice.send('1')
    alice.send('2')
    await until(bob, isSettled(2))
    expect(bob.state.unreadCount).toBe(2)
    const markOf = ({ readMarks }: LiveState, user: string) =>
      readMarks.find(({ userId }) => userId === ids[user])?.readSeq
    await bob.markRead(1)
    await server.as('carol').conversations.read({ ...target, seq: 2 })
    // A user who has read everything has also read their own next message.
    await server.as('carol').messages.send({ ...target, text: '3' })
    await server.as('dave').messages.send({ ...target, text: '4' })
    await until(alice, (state) => markOf(state, 'carol') === 3 && state.messages.length === 4)
    expect(markOf(alice.state, 'bob')).toBe(1)
    expect(markOf(alice.state, 'dave')).toBe(0)
    expect(markOf(alice.state, 'alice')).toBeUndefined()
    expect(markOf(bob.state, 'alice')).toBe(2)
    expect(bob.state.messages.every((one) => 'readAt' in one && one.readAt === null)).toBe(true)
    await until(bob, ({ unreadCount }) => unreadCount === 3)

    await server.as('carol').conversations.typing({ ...target, typing: true })
    await server.as('dave').conversations.typing({ ...target, typing: true })
    await until(alice, ({ typing }) => typing.join() === `${ids.carol},${ids.dave}`)
    await server.as('dave').messages.send({ ...target, text: '5' })
    await until(alice, ({ typing }) => typing.join() === ids.carol)
    await server.as('alice').participants.remove({ ...target, user: 'carol' })
    const without = await until(alice, ({ typing }) => typing.length === 0)
    expect(markOf(without, 'carol')).toBeUndefined()
  })

  it('updates reaction counts and its own reactions without further requests', async () => {
    const target = await group('bob', 'carol')
    const { id: messageId } = await server.as('alice').messages.send({ ...target, text: 'react' })
    const requests: string[] = []
    const fetch: Fetch = (url, init) => {
      if (url.includes('conversations.messages')) requests.push(url)
      return server.fetch(url, init)
    }
    const client = createClient({ url: server.url, token: server.serviceKey, fetch }).as('bob')
    await using bob = client.conversation(target).live()
    await until(bob, ({ readMarks }) => readMarks.length === 2)
    const reactions = ({ messages: [one] }: LiveState) => (one && 'reactions' in one ? one.reactions : [])
    await server.as('alice').messages.react({ messageId, emoji: '🎉' })
    await server.as('carol').messages.like({ messageId })
    await server.as('bob').messages.react({ messageId, emoji: '🎉' })
    // An event carries the current counts, which may be ahead of `byMe`.
    const all = await until(
      bob,
      (state) => Boolean(reactions(state)[0]?.byMe) && reactions(state).length === 2,
    )
    expect(reactions(all)).toEqual([
      { emoji: '🎉', count: 2, byMe: true },
      { emoji: '👍', count: 1, byMe: false },
    ])
    await server.as('bob').messages.unreact({ messageId, emoji: '🎉' })
    await server.as('carol').messages.unlike({ messageId })
    const rest = await until(bob, (state) => reactions(state).length === 1 && !reactions(state)[0]?.byMe)
    expect(reactions(rest)).toEqual([{ emoji: '🎉', count: 1, byMe: false }])
    // Only the initial request.
    expect(requests).toHaveLength(1)
  })

  it('is visible only to current and former participants, with any credentials', async () => {
    const username = `erin-${using}`
    await server.client.users.create({ username, password: 'a password of four words' })
    const target = await group('bob', username)
    await server.client.messages.send({ ...target, from: username, text: 'from erin' })
    const basic = { username, password: 'a password of four words' }
    const client = createClient({ url: server.url, fetch: server.fetch, basic })
    await using erin = client.conversation(target).live()
    expect((await until(erin, isSettled(1))).messages[0]).toMatchObject({ isMine: true })
    await using dave = view('dave', target)
    expect(await until(dave, ({ connection }) => connection === 'closed')).toMatchObject({
      error: { code: 'CONVERSATION_NOT_FOUND' },
    })
  })
})
