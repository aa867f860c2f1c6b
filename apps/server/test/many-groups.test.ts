import { randomUUID } from 'node:crypto'
import { createClient } from '@sotto/sdk'
import { dialects, failureOf, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/* Others can add a user to any number of groups, and remove them again. That must slow down no one. */

interface Stay {
  conversationId: string
  after: number
  until: number | null
  firstEventId: number
}

async function insertStays(server: RunningServer, user: string, stays: readonly Stay[]): Promise<void> {
  const { id: userId } = await server.client.users.get({ user })
  const at = new Date()
  for (let from = 0; from < stays.length; from += 500) {
    const values = stays.slice(from, from + 500).map((stay) => ({
      conversation_id: stay.conversationId,
      user_id: userId,
      role: 'member' as const,
      read_seq: 0,
      delivered_seq: 0,
      skipped_count: 0,
      sent_count: 0,
      joined_at: at,
      after_seq: stay.after,
      until_seq: stay.until,
      first_event_id: stay.firstEventId,
      last_event_id: stay.until === null ? null : stay.firstEventId,
      left_at: stay.until === null ? null : at,
      active_at: null,
      added_by: null,
    }))
    await server.app.db.insertInto('participants').values(values).execute()
  }
}

/** Groups in which alice has sent one message each. Later groups are older. */
async function insertGroups(server: RunningServer, count: number): Promise<string[]> {
  const { id: senderId } = await server.client.users.get({ user: 'alice' })
  const groups = Array.from({ length: count }, (_, n) => ({ id: randomUUID(), at: new Date(1e12 - n) }))
  for (let from = 0; from < count; from += 500) {
    const part = groups.slice(from, from + 500)
    const conversations = part.map(({ id, at }) => ({
      id,
      kind: 'group' as const,
      name: 'Group',
      direct_key: null,
      last_seq: 1,
      participant_count: 1,
      created_at: at,
      updated_at: at,
    }))
    await server.app.db.insertInto('conversations').values(conversations).execute()
    const messages = part.map(({ id, at }) => ({
      id: randomUUID(),
      conversation_id: id,
      seq: 1,
      sender_id: senderId,
      recipient_id: null,
      kind: 'text' as const,
      text: id,
      media: null,
      client_message_id: null,
      content_hash: null,
      reactions: null,
      created_at: at,
      edited_at: null,
      deleted_at: null,
    }))
    await server.app.db.insertInto('messages').values(messages).execute()
  }
  return groups.map(({ id }) => id)
}

interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

describe.each(dialects)('a user on %s', (using) => {
  test('who was in a group thousands of times reads on', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const [conversationId = ''] = await insertGroups(server, 1)
    await server.app.db.updateTable('conversations').set({ last_seq: 10_000 }).execute()
    const stays = Array.from({ length: 3_000 }, (_, n) => ({
      conversationId,
      after: 2 * n,
      until: 2 * n + 1,
      firstEventId: 10 + n,
    }))
    await insertStays(server, 'bob', stays)
    const { items } = await server.call<Page<{ text: string }>>('bob', 'GET', '/v1/messages')
    expect(items.map(({ text }) => text)).toEqual([conversationId])
    expect((await server.call<Page<unknown>>('bob', 'GET', '/v1/conversations')).items).toEqual([])
  })

  test('who is in more than a thousand groups sees all of them', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const ids = await insertGroups(server, 1_200)
    await insertStays(
      server,
      'bob',
      ids.map((conversationId) => ({ conversationId, after: 0, until: null, firstEventId: 10 })),
    )
    for (const [path, idOf] of [
      ['/v1/conversations', (item: { id: string }) => item.id],
      ['/v1/messages', (item: { text: string }) => item.text],
    ] as const) {
      const found: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const query = `?limit=200${cursor && `&cursor=${cursor}`}`
        const page: Page<{ id: string; text: string }> = await server.call('bob', 'GET', `${path}${query}`)
        found.push(...page.items.map(idOf))
        cursor = page.nextCursor
      }
      expect(found).toEqual(ids)
    }
  })
})

test('users cannot add the same user to a group without end, but service keys can', async () => {
  await using server = await startServer('sqlite', { users: ['alice', 'bob'] })
  const password = 'correct horse'
  await server.client.passwords.set({ user: 'alice', newPassword: password })
  const { token } = await server.client.sessions.create({ username: 'alice', password })
  const alice = createClient({ url: server.url, token })
  const { id: conversationId } = await alice.conversations.create({ name: 'Group', participants: ['bob'] })
  const bob = { conversationId, user: 'bob' }
  await alice.participants.remove(bob)
  const ended = Array.from({ length: 98 }, (_, n) => ({
    conversationId,
    after: 0,
    until: 0,
    firstEventId: 1_000 + n,
  }))
  await insertStays(server, 'bob', ended)
  await alice.participants.set(bob)
  await alice.participants.remove(bob)
  const failure = await failureOf(alice.participants.set(bob))
  expect([failure.code, failure.message]).toEqual([
    'INVALID_INPUT',
    expect.stringContaining('added to this group too often (maximum 100 times)'),
  ])
  await server.client.as('alice').participants.set(bob)
})

// PostgreSQL is asynchronous in any case.
describe('on SQLite', () => {
  test('lists of a user in many groups let other work run in between', async () => {
    let statements = 0
    let most = 0
    await using server = await startServer('sqlite', {
      users: ['alice', 'bob'],
      overrides: { onStatement: () => void statements++ },
    })
    const ids = await insertGroups(server, 1_200)
    await insertStays(
      server,
      'bob',
      ids.map((conversationId) => ({ conversationId, after: 0, until: null, firstEventId: 10 })),
    )
    const last = await server.call<Page<unknown>>('bob', 'GET', '/v1/messages?limit=200')
    let next = setImmediate(function count() {
      most = Math.max(most, statements)
      statements = 0
      next = setImmediate(count)
    })
    statements = 0
    // A page from the end looks at all groups.
    const cursor = Buffer.from(
      JSON.stringify(['timeline', 1e12 - 1_190, 0, '00000000-0000-0000-0000-000000000000']),
    ).toString('base64url')
    const page = await server.call<Page<unknown>>('bob', 'GET', `/v1/messages?limit=200&cursor=${cursor}`)
    const inbox = await server.call<Page<unknown>>('bob', 'GET', '/v1/conversations?limit=1')
    clearImmediate(next)
    expect([last.items.length, page.items.length, inbox.items.length]).toEqual([200, 9, 1])
    expect(most).toBeGreaterThan(50)
    expect(most).toBeLessThan(150)
  })

  test('the groups that a user shares with others are compared for ten of them at a time', async () => {
    let iteration = 0
    const lookups: number[] = []
    await using server = await startServer('sqlite', {
      users: ['alice', ...Array.from({ length: 30 }, (_, n) => `user${n}`)],
      overrides: {
        onStatement(sql) {
          if (/"given"\."key"/.test(sql)) lookups.push(iteration)
        },
      },
    })
    let next = setImmediate(function count() {
      iteration++
      next = setImmediate(count)
    })
    const watched = Array.from({ length: 30 }, (_, n) => `user${n}`).join()
    await using _stream = await server.sse('alice', `?presence=${watched}`)
    clearImmediate(next)
    expect(lookups).toHaveLength(3)
    expect(new Set(lookups).size).toBe(3)
  })

  test('messages that were read one by one are looked up once per conversation', async () => {
    let lookups = 0
    await using server = await startServer('sqlite', {
      users: ['alice', 'bob'],
      overrides: {
        onStatement(sql) {
          if (/^select "participants"\."conversation_id", "participants"\."user_id"/.test(sql)) lookups++
        },
      },
    })
    const { id: conversationId } = await server.call<{ id: string }>('alice', 'POST', '/v1/conversations', {
      name: 'Group',
      participants: ['bob'],
    })
    for (let n = 0; n < 20; n++) {
      await server.call('alice', 'POST', '/v1/messages', { conversationId, text: `${n}` })
    }
    lookups = 0
    const { items } = await server.call<Page<unknown>>('bob', 'GET', '/v1/messages?kind=text')
    expect(items).toHaveLength(20)
    const delivered = async () => {
      const path = `/v1/conversations/${conversationId}/receipts` as const
      const receipts = await server.call<Page<{ deliveredSeq: number }>>(undefined, 'GET', path)
      return receipts.items.map(({ deliveredSeq }) => deliveredSeq)
    }
    await expect.poll(delivered).toEqual([20, 20])
    expect(lookups).toBeLessThan(10)
  })
})
