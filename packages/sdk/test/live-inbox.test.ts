import type { InboxState, LiveInbox } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import { describe, expect, it, vi } from 'vitest'
import { until } from './support/live.ts'

const names = ({ conversations }: InboxState) =>
  conversations.map(({ name, participants }) => name ?? participants.map(({ user }) => user.username).join())

/** Waits until the inbox equals the server's list. Receipts arrive slightly later. */
async function expectAsOnServer(server: TestServer, user: string, inbox: LiveInbox): Promise<void> {
  await vi.waitFor(
    async () => {
      const { items } = await server.as(user).conversations.list({ limit: 200 })
      expect(inbox.state.conversations).toEqual(items)
    },
    { timeout: 10_000, interval: 100 },
  )
}

describe.each(['sqlite', 'postgres'] as const)('a live inbox on %s', (using) => {
  it('shows new conversations, last messages and unread counts, latest first', async () => {
    await using server = await createTestServer({ users: ['alice', 'bob', 'carol'], using })
    using inbox = server.as('bob').conversations.live()
    expect(inbox.state).toMatchObject({ conversations: [], isLoaded: false, connection: 'connecting' })
    await until(inbox, ({ isLoaded }) => isLoaded)

    await server.as('alice').messages.send({ to: 'bob', text: 'one' })
    await until(inbox, ({ conversations }) => conversations.length === 1)
    await server.as('carol').messages.send({ to: 'bob', text: 'two' })
    const both = await until(inbox, ({ conversations: [first, second] }) =>
      Boolean(first?.lastMessage?.deliveredAt && second),
    )
    expect(both.conversations.map(({ lastMessage }) => lastMessage?.text)).toEqual(['two', 'one'])

    const again = await server.as('alice').messages.send({ to: 'bob', text: 'three' })
    const moved = await until(inbox, ({ conversations: [first] }) => first?.lastMessage?.text === 'three')
    expect(moved.conversations.map(({ unreadCount }) => unreadCount)).toEqual([2, 1])
    expect(moved.conversations[1]).toBe(both.conversations[0])

    await server.as('alice').messages.edit({ messageId: again.id, text: 'four' })
    await until(inbox, ({ conversations: [first] }) => first?.lastMessage?.text === 'four')
    await server.as('alice').messages.delete({ messageId: again.id })
    await until(inbox, ({ conversations: [first] }) => first?.unreadCount === 1)
    await server.as('bob').conversation('alice').markRead()
    await until(inbox, ({ conversations: [first] }) => first?.unreadCount === 0)
    await expectAsOnServer(server, 'bob', inbox)
  })

  it('follows groups being joined, renamed, changed and left', async () => {
    await using server = await createTestServer({ users: ['alice', 'bob', 'carol'], using })
    const alice = server.as('alice')
    using inbox = server.as('bob').conversations.live()
    await until(inbox, ({ isLoaded }) => isLoaded)
    const group = await alice.conversations.create({ name: 'Weekend', participants: ['bob'] })
    const conversationId = group.id
    await until(inbox, (state) => names(state).includes('Weekend'))
    await alice.conversations.update({ conversationId, name: 'Holidays' })
    await until(inbox, (state) => names(state).includes('Holidays'))
    await alice.participants.set({ conversationId, user: 'carol' })
    await until(inbox, ({ conversations: [first] }) => first?.participantCount === 3)
    await alice.participants.set({ conversationId, user: 'bob', role: 'admin' })
    await expectAsOnServer(server, 'bob', inbox)
    await alice.participants.remove({ conversationId, user: 'bob' })
    await until(inbox, ({ conversations }) => conversations.length === 0)
    await alice.participants.set({ conversationId, user: 'bob' })
    await until(inbox, (state) => names(state).includes('Holidays'))
    await expectAsOnServer(server, 'bob', inbox)
  })

  it('loads more pages without duplicates', async () => {
    const users = Array.from({ length: 7 }, (_, index) => `u${index}`)
    await using server = await createTestServer({ users: ['alice', ...users], using })
    for (const user of users) await server.as(user).messages.send({ to: 'alice', text: user })
    using inbox = server.as('alice').conversations.live({ pageSize: 3 })
    const first = await until(inbox, ({ isLoaded }) => isLoaded)
    expect(first.conversations.map(({ lastMessage }) => lastMessage?.text)).toEqual(['u6', 'u5', 'u4'])
    expect(first.hasMore).toBe(true)
    await Promise.all([inbox.loadMore(), inbox.loadMore()])
    expect(inbox.state.conversations).toHaveLength(6)
    // A conversation that moves up before its page is loaded must not appear twice.
    await server.as('u0').messages.send({ to: 'alice', text: 'u0 again' })
    await until(inbox, ({ conversations: [latest] }) => latest?.lastMessage?.text === 'u0 again')
    await inbox.loadMore()
    expect(inbox.state.hasMore).toBe(false)
    await expectAsOnServer(server, 'alice', inbox)
  })

  it('converges to the server state during concurrent changes', async () => {
    const users = ['alice', 'bob', 'carol', 'dave']
    await using server = await createTestServer({ users, using })
    const group = await server
      .as('alice')
      .conversations.create({ name: 'All', participants: ['bob', 'carol', 'dave'] })
    using inbox = server.as('bob').conversations.live()
    const sent: { by: string; messageId: string }[] = []
    const act = async (by: string, step: number) => {
      const client = server.as(by)
      const to = step % 3 === 0 ? { conversationId: group.id } : { to: by === 'bob' ? 'alice' : 'bob' }
      const { id } = await client.messages.send({ ...to, text: `${by} ${step}` })
      sent.push({ by, messageId: id })
      const other = sent[(step * 7) % sent.length]
      if (other && step % 4 === 1)
        await server
          .as(other.by)
          .messages.edit({ ...pick(other), text: 'edited' })
          .catch(ignoreDeleted)
      if (other && step % 5 === 2) await server.as(other.by).messages.delete(pick(other))
      if (step % 6 === 3) await server.as('bob').messages.like({ messageId: id })
      if (step % 7 === 4) await server.as('bob').conversation({ conversationId: group.id }).markRead()
    }
    await Promise.all(
      users.map(async (by) => {
        for (let step = 0; step < 20; step += 1) await act(by, step)
      }),
    )
    await expectAsOnServer(server, 'bob', inbox)
  })
})

const pick = ({ messageId }: { messageId: string }) => ({ messageId })
/** Editing a message that another step has deleted fails, which is fine. */
const ignoreDeleted = () => {}

it('is closed after a permanent error', async () => {
  await using server = await createTestServer()
  using inbox = createClient({ url: server.url, fetch: server.fetch, token: 'nonsense' }).conversations.live()
  const state = await until(inbox, ({ connection }) => connection === 'closed')
  expect(state.error).toMatchObject({ code: 'UNAUTHENTICATED' })
})
