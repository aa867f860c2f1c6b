import { createClient } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { dialects } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/* Conversations that receive a message move to the beginning of lists, away from the pages that a loop has yet to read. */

const others = Array.from({ length: 9 }, (_, n) => `user${n}`)

describe.each(dialects)('a loop over a moving list on %s', (using) => {
  test('ends with the conversations that moved while it ran', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'new', ...others] })
    const alice = server.as('alice')
    const started: string[] = []
    for (const to of others) {
      server.clock.advance(120_000)
      started.push((await alice.messages.send({ to, text: 'hi' })).conversationId)
    }
    const [oldest, second] = others

    const ids: string[] = []
    let created = ''
    for await (const { id } of alice.conversations.list({ limit: 3 })) {
      ids.push(id)
      server.clock.advance(1_000)
      if (ids.length === 2) await server.as(oldest ?? '').messages.send({ to: 'alice', text: 'moved' })
      // One that was read already, and one that is new.
      if (ids.length === 4) await server.as(others[8] ?? '').messages.send({ to: 'alice', text: 'moved' })
      if (ids.length === 6) created = (await alice.messages.send({ to: 'new', text: 'new' })).conversationId
      // While the moved ones are read.
      if (id === started[0]) await server.as(second ?? '').messages.send({ to: 'alice', text: 'moved' })
    }
    expect(ids).toHaveLength(others.length + 1)
    expect(ids.toSorted()).toEqual([...started, created].toSorted())
    expect(ids.slice(-2).toSorted()).toEqual([created, started[0]].toSorted())

    const names: string[] = []
    for await (const { user } of alice.users.correspondents({ user: 'alice', limit: 3 })) {
      names.push(user.username)
      server.clock.advance(120_000)
      if (names.length === 2) await alice.messages.send({ to: others[3] ?? '', text: 'moved' })
    }
    expect(names.toSorted()).toEqual(['new', ...others].toSorted())
    expect(names.at(-1)).toBe(others[3])
  })

  test('reads a single page once, and a longer list again only from its beginning', async () => {
    await using server = await createTestServer({ using, users: ['alice', ...others] })
    for (const to of others.slice(0, 4)) {
      server.clock.advance(120_000)
      await server.as('alice').messages.send({ to, text: 'hi' })
    }
    let requests = 0
    const client = createClient({
      url: server.url,
      token: server.serviceKey,
      fetch(input, init) {
        requests++
        return server.fetch(input, init)
      },
    })
    const { list } = client.as('alice').conversations
    const countOf = async (limit: number) => {
      requests = 0
      await allOf(list({ limit }))
      return requests
    }
    expect(await countOf(10)).toBe(1)
    expect(await countOf(2)).toBe(3)
    const { nextCursor } = await list({ limit: 2 })
    expect(await allOf(list({ limit: 2, cursor: nextCursor ?? '' }))).toHaveLength(2)
  })
})

async function allOf<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of list) items.push(item)
  return items
}
