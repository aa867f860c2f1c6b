import type { Fetch } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from './support/live.ts'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer({ users: ['alice', 'bob', 'carol'] })
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

/** A client of bob that counts its calls. */
function countingClient() {
  const counts: Record<string, number> = {}
  const fetch: Fetch = (url, init) => {
    const [, path = url] = /\/trpc\/([\w.]+)/.exec(url) ?? []
    counts[path] = (counts[path] ?? 0) + 1
    return server.fetch(url, init)
  }
  return { client: createClient({ url: server.url, token: server.serviceKey, fetch }).as('bob'), counts }
}

it('marks many messages in a row as read with few requests', async () => {
  const alice = server.as('alice')
  await alice.messages.send({ to: 'bob', text: 'first' })
  const { client, counts } = countingClient()
  using inbox = client.conversations.live()
  await using live = client.conversation('alice').live()
  await until(inbox, ({ isLoaded }) => isLoaded)
  await until(live, ({ isLoaded }) => isLoaded)
  // As an app does that shows the conversation.
  const stop = live.subscribe(() => void live.markRead())
  const before = { ...counts }
  for (let index = 1; index <= 200; index += 1) await alice.messages.send({ to: 'bob', text: `${index}` })
  await until(live, ({ lastSeq, unreadCount }) => lastSeq === 201 && unreadCount === 0)
  await until(inbox, ({ conversations: [first] }) => first?.lastSeq === 201 && first.unreadCount === 0)
  stop()
  expect(counts['conversations.read']).toBeLessThanOrEqual(5)
  expect(counts['conversations.get']).toBe(before['conversations.get'])
  expect(counts['direct.get']).toBe(before['direct.get'])
  const { items } = await server.as('bob').conversations.list()
  expect(inbox.state.conversations[0]).toMatchObject({ readSeq: 201, unreadCount: 0, id: items[0]?.id })
})

it('counts what arrives while messages are marked as read or deleted', async () => {
  const carol = server.as('carol')
  const sent = [await carol.messages.send({ to: 'bob', text: '1' })]
  const { client, counts } = countingClient()
  using inbox = client.conversations.live()
  await until(inbox, ({ isLoaded }) => isLoaded)
  for (const text of ['2', '3', '4', '5']) sent.push(await carol.messages.send({ to: 'bob', text }))
  const first = () => inbox.state.conversations[0]
  await expect.poll(() => first()?.unreadCount).toBe(5)
  await server.as('bob').conversation('carol').markRead(2)
  await expect.poll(() => first()).toMatchObject({ readSeq: 2, unreadCount: 3 })
  await carol.messages.delete({ messageId: sent[3]?.id ?? '' })
  await expect.poll(() => first()?.unreadCount).toBe(2)
  await server.as('bob').conversation('carol').markRead(4)
  await expect.poll(() => first()).toMatchObject({ readSeq: 4, unreadCount: 1 })
  expect(counts['conversations.get']).toBeUndefined()
})

it('marks what was read before the view was closed', async () => {
  await using live = server.as('bob').conversation('alice').live()
  const alice = server.as('alice')
  await until(live, ({ isLoaded }) => isLoaded)
  for (const text of ['seen', 'seen as well']) {
    await alice.messages.send({ to: 'bob', text })
    await until(live, ({ messages }) => messages.at(-1)?.text === text)
    const reading = live.markRead()
    if (text === 'seen') await reading
  }
  const { lastSeq } = live.state
  live.close()
  await expect.poll(async () => (await server.as('bob').conversation('alice').get()).readSeq).toBe(lastSeq)
  await expect(live.markRead(lastSeq + 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
