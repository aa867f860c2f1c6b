import { createClient, type Message } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { codeOf, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/* Two servers that share a PostgreSQL database behave like one. */

const users = ['alice', 'bob', { username: 'carol', password: 'correct horse' }]

describe('two servers on one database', () => {
  test('number messages without gaps, with times that never go back', async () => {
    await using first = await createTestServer({ using: 'postgres', users })
    await using second = await first.another()
    // The clock of the second server is slow, so its ids are too old.
    first.clock.set('2026-05-01T10:00:30.000Z')
    second.clock.set('2026-05-01T10:00:00.000Z')

    const send = (index: number) => {
      const [server, from, to] = index % 2 ? [first, 'alice', 'bob'] : [second, 'bob', 'alice']
      return rest(server as typeof first, 'POST /v1/messages', {
        as: from as string,
        json: { to, text: String(index) },
      })
    }
    const sent = await Promise.all(Array.from({ length: 40 }, (_, index) => send(index)))
    expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(sent.map(({ body }) => (body as { conversationId: string }).conversationId)).size).toBe(1)

    const { items } = await second.as('alice').direct.messages({ user: 'bob', after: 0 })
    expect(items.map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    const times = items.map(({ createdAt }) => createdAt.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))

    // Within the conversation, messages are ordered by seq, also with a filter and across pages.
    const filtered: number[] = []
    for await (const { seq } of first.client.messages.between(['alice', 'bob'], { kind: 'text', limit: 7 }))
      filtered.push(seq)
    expect(filtered).toEqual(items.map(({ seq }) => seq).toReversed())
    // Also in lists across conversations, for each caller.
    const everywhere: number[] = []
    for await (const { seq } of first.client.messages.list({ limit: 7 })) everywhere.push(seq)
    expect(everywhere).toEqual(filtered)
    for (const user of ['alice', 'bob']) {
      const own: number[] = []
      for await (const { seq } of second.as(user).messages.list({ limit: 7 })) own.push(seq)
      expect(own).toEqual(filtered)
    }
  })

  test('create one message if it is sent to both', async () => {
    await using first = await createTestServer({ using: 'postgres', users })
    await using second = await first.another()
    const json = { to: 'bob', text: 'once', clientMessageId: 'c' }
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        rest(index % 2 ? first : second, 'POST /v1/messages', { as: 'alice', json }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      ...Array.from({ length: 11 }, () => 200),
      201,
    ])
    expect(new Set(answers.map(({ body }) => (body as { id: string }).id)).size).toBe(1)
  })

  test('create only one user with the same name', async () => {
    await using first = await createTestServer({ using: 'postgres', users })
    await using second = await first.another()
    const answers = await Promise.all(
      [first, second, first, second].map((server) =>
        rest(server, 'POST /v1/users', { json: { username: 'zoe' } }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409])
  })

  test('agree on reactions and unread counts', async () => {
    await using first = await createTestServer({ using: 'postgres', users })
    await using second = await first.another()
    const sent: Message[] = []
    for (let index = 0; index < 4; index += 1)
      sent.push(await first.as('alice').messages.send({ to: 'bob', text: 'x' }))
    const { id: messageId = '', conversationId = '' } = sent[0] ?? {}
    await Promise.all([
      ...['👍', '🎉', '🥛'].flatMap((emoji) => [
        first.as('alice').messages.react({ messageId, emoji }),
        second.as('bob').messages.react({ messageId, emoji }),
      ]),
      ...sent
        .slice(1)
        .map(({ id }, index) => (index % 2 ? first : second).as('alice').messages.delete({ messageId: id })),
      second.as('bob').conversations.read({ conversationId, seq: 2 }),
    ])
    const { reactions } = await first.client.messages.get({ messageId })
    expect(reactions.map(({ count }) => count)).toEqual([2, 2, 2])
    expect(await second.as('bob').direct.get({ user: 'alice' })).toMatchObject({ readSeq: 2, unreadCount: 0 })
  })

  test('both accept a session, and both reject it once it has ended', async () => {
    await using first = await createTestServer({ using: 'postgres', users })
    await using second = await first.another()
    const { token } = await first.client.sessions.create({ username: 'carol', password: 'correct horse' })
    const on = (server: typeof first) =>
      createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
    await on(second).users.list()
    await on(first).sessions.end()
    expect(await codeOf(on(first).users.list())).toBe('UNAUTHENTICATED')
    await expect
      .poll(
        () =>
          on(second)
            .users.list()
            .then(
              () => 'accepted',
              () => 'rejected',
            ),
        { timeout: 10_000 },
      )
      .toBe('rejected')
  })
})
