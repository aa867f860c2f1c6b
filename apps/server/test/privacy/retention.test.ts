import { createTestServer } from '@sotto/testing'
import { dialects, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const DAY_MS = 24 * 60 * 60 * 1_000

describe.each(dialects)('message retention on %s', (using) => {
  test('turns expired messages into tombstones without events, and keeps newer ones', async () => {
    let now = Date.parse('2026-05-01T10:00:00.000Z')
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      settings: { messageRetentionDays: 30 },
      overrides: { now: () => new Date(now) },
    })
    const [alice, bob] = [server.client.as('alice'), server.client.as('bob')]
    const old = await alice.messages.send({ to: 'bob', text: 'old', clientMessageId: 'old' })
    await alice.messages.edit({ messageId: old.id, text: 'old still' })
    const { conversationId } = old
    for (let n = 0; n < 120; n++) await alice.messages.send({ conversationId, text: `old ${n}` })
    now += 20 * DAY_MS
    const recent = await alice.messages.send({ conversationId, text: 'recent' })
    expect((await bob.conversations.get({ conversationId })).unreadCount).toBe(122)
    const { cursor } = await bob.events.pull()

    now += 10 * DAY_MS + 1
    await expect.poll(async () => (await bob.conversations.get({ conversationId })).unreadCount).toBe(1)
    expect(await bob.messages.get({ messageId: old.id })).toMatchObject({
      seq: 1,
      text: null,
      deletedAt: expect.any(Date),
    })
    expect(await bob.messages.get({ messageId: recent.id })).toMatchObject({
      text: 'recent',
      deletedAt: null,
    })
    expect(
      (await bob.events.pull({ cursor })).items.filter(({ type }) => type === 'message.deleted'),
    ).toEqual([])
    const { db } = server.app
    expect(await db.selectFrom('message_edits').selectAll().execute()).toEqual([])
    const kept = await db
      .selectFrom('messages')
      .select('id')
      .where((eb) => eb.or([eb('client_message_id', 'is not', null), eb('content_hash', 'is not', null)]))
      .execute()
    expect(kept).toEqual([{ id: recent.id }])

    // The next run continues where the last one ended.
    now += 20 * DAY_MS
    await expect.poll(async () => (await bob.messages.get({ messageId: recent.id })).text).toBeNull()
  })

  test('is off by default', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const message = await server.as('alice').messages.send({ to: 'bob', text: 'for ever' })
    server.clock.advance(4_000 * DAY_MS)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await server.as('alice').messages.get({ messageId: message.id })).toMatchObject({
      text: 'for ever',
    })
  })
})
