import type { Message, RouterInputs, SottoClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects } from '@sotto/testing/internal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomCases } from '../../../scripts/test-scale.ts'

/*
 * Compares lists of messages with a model without indexes, cursors or pages: an array that is filtered and sorted. A
 * few users and messages cover all edge cases (ties, notes to self, tombstones, a clock that moves back).
 */

const names = ['alice', 'bob', 'carol'] as const
type Name = (typeof names)[number]
type Filters = RouterInputs['messages']['list']

/** The filters, with users restricted to `names`. */
type NamedFilters = Omit<Filters, 'between'> & { between?: [Name, Name] }

const START = Date.parse('2026-05-01T10:00:00.000Z')
/** Few distinct times, so that many messages share one. */
const STEP_MS = 1_000
const STEPS = 4

const contents = {
  text: { text: 'x' },
  image: { image: { url: 'https://example.com/a.png' } },
  video: { video: { url: 'https://example.com/a.mp4' } },
} as const

const name = fc.constantFrom(...names)
const step = fc.integer({ min: 0, max: STEPS })
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      from: name,
      to: name,
      kind: fc.constantFrom('text', 'image', 'video'),
      step,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), by: name, nth: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), nth: fc.nat(30) }) },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

const instant = step.map((index) => new Date(START + index * STEP_MS))
/** Any combination of filter fields. */
const filters = fc.record(
  {
    sender: name,
    recipient: name,
    between: fc.tuple(name, name),
    isRead: fc.boolean(),
    kind: fc.constantFrom('text', 'image', 'video'),
    since: instant,
    until: instant,
    limit: fc.integer({ min: 1, max: 5 }),
  },
  { requiredKeys: [] },
)
const query = fc.record({
  caller: fc.constantFrom(undefined, ...names),
  // Other combinations are rejected, which a separate test covers.
  filters: filters.map(
    ({ between, sender, recipient, ...others }): NamedFilters =>
      between
        ? { between, ...others }
        : { ...(sender && { sender }), ...(recipient && { recipient }), ...others },
  ),
})

interface KnownMessage {
  message: Message
  sender: Name
  recipient: Name
  isRead: boolean
}

class Model {
  readonly known: KnownMessage[] = []
  readonly #readSeqs = new Map<string, number>()
  readonly #lastSeqs = new Map<string, number>()

  async act(server: TestServer, what: Action): Promise<void> {
    if (what.do === 'send') {
      server.clock.set(new Date(START + what.step * STEP_MS))
      const message = await server.as(what.from).messages.send({ to: what.to, ...contents[what.kind] })
      this.known.push({ message, sender: what.from, recipient: what.to, isRead: false })
      const key = `${message.conversationId} ${what.from}`
      if ((this.#readSeqs.get(key) ?? 0) === message.seq - 1) this.#readSeqs.set(key, message.seq)
      this.#lastSeqs.set(message.conversationId, message.seq)
      return
    }
    const chosen = this.known[what.nth % Math.max(1, this.known.length)]
    if (!chosen) return
    const { id: messageId, conversationId, seq } = chosen.message
    if (what.do === 'delete') {
      await server.as(chosen.sender).messages.delete({ messageId })
    } else if (what.by === chosen.sender || what.by === chosen.recipient) {
      await server.as(what.by).conversations.read({ conversationId, seq })
      const key = `${conversationId} ${what.by}`
      this.#readSeqs.set(key, Math.max(seq, this.#readSeqs.get(key) ?? 0))
    }
  }

  /** The ids of the messages that the caller should find, newest first. */
  answer(caller: Name | undefined, f: Filters): string[] {
    return this.known
      .filter(({ message, sender, recipient }) => {
        const isRead = (this.#readSeqs.get(`${message.conversationId} ${recipient}`) ?? 0) >= message.seq
        return (
          (caller === undefined || caller === sender || caller === recipient) &&
          (f.sender === undefined || f.sender === sender) &&
          (f.recipient === undefined || f.recipient === recipient) &&
          (f.between === undefined ||
            [sender, recipient].toSorted().join() === f.between.toSorted().join()) &&
          (f.isRead === undefined || f.isRead === isRead) &&
          (f.kind === undefined || f.kind === message.kind) &&
          (f.since === undefined || message.createdAt >= new Date(f.since)) &&
          (f.until === undefined || message.createdAt < new Date(f.until))
        )
      })
      .map(({ message }) => message)
      .sort(
        (a, b) => b.createdAt.getTime() - a.createdAt.getTime() || b.seq - a.seq || (a.id < b.id ? 1 : -1),
      )
      .map(({ id }) => id)
  }
}

async function allPages(client: SottoClient, f: Filters): Promise<string[]> {
  const ids: string[] = []
  for await (const { items } of client.messages.list(f).pages()) {
    expect(items.length).toBeLessThanOrEqual(f.limit ?? 50)
    ids.push(...items.map(({ id }) => id))
  }
  return ids
}

describe.each(dialects)('messages across conversations on %s', (using) => {
  test('match the filters for every caller, with pages of any length', { timeout: 180_000 }, async () => {
    const property = fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 30 }),
      fc.array(query, { minLength: 30, maxLength: 30 }),
      async (actions, queries) => {
        await using server = await createTestServer({ using, users: names })
        const model = new Model()
        for (const what of actions) await model.act(server, what)

        for (const { caller, filters: f } of queries) {
          const client = caller === undefined ? server.client : server.as(caller)
          if (caller !== undefined && f.between && !f.between.includes(caller)) {
            await expect(client.messages.list(f).then()).rejects.toMatchObject({ code: 'FORBIDDEN' })
            continue
          }
          const expected = model.answer(caller, f)
          expect(await allPages(client, f), JSON.stringify({ caller, f })).toEqual(expected)
          if (f.between) {
            const { limit: pageSize = 50 } = f
            for (const page of [1, 2]) {
              const numbered = await client.messages.list({ between: f.between, page, pageSize })
              const all = model.answer(caller, { between: f.between })
              expect(numbered.items.map(({ id }) => id)).toEqual(
                all.slice((page - 1) * pageSize, page * pageSize),
              )
            }
          }
        }
      },
    )
    await fc.assert(property, randomCases(using === 'sqlite' ? 3 : 1))
  })

  test('reject contradictory filters', async () => {
    await using server = await createTestServer({ using, users: names })
    const between = ['alice', 'bob'] as [string, string]
    const rejected: [Filters, string[]][] = [
      [{ between, sender: 'alice' }, ['sender']],
      [{ between, recipient: 'alice' }, ['recipient']],
      [{ page: 1 }, ['page']],
      [{ page: 1, sender: 'alice' }, ['page']],
      [{ between, page: 1, isRead: true }, ['page']],
      [{ between, page: 1, kind: 'text' }, ['page']],
      [{ between, page: 1, since: '2026-01-01T00:00:00Z' }, ['page']],
    ]
    for (const [f, paths] of rejected) {
      await expect(server.client.messages.list(f).then()).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        issues: paths.map((path) => ({ path, message: expect.any(String) })),
      })
    }
    for (const f of [
      { sender: 'nobody' },
      { recipient: 'nobody' },
      { between: ['alice', 'nobody'] as [string, string] },
    ]) {
      await expect(server.client.messages.list(f).then()).rejects.toMatchObject({ code: 'USER_NOT_FOUND' })
    }
  })
})

test('lists return every match even if only a few of many messages match', async () => {
  await using server = await createTestServer({ users: names })
  const alice = server.as('alice')
  const first = await alice.messages.send({ to: 'bob', image: { url: 'https://example.com/a.png' } })
  // More messages than one request scans. In batches, because the last sends could time out on a busy machine.
  for (let sent = 0; sent < 2_100; sent += 100) {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        server.fetch('/v1/messages', {
          method: 'POST',
          headers: {
            authorization: `Bearer ${server.serviceKey}`,
            'act-as': 'alice',
            'content-type': 'application/json',
          },
          body: '{"to":"bob","text":"x"}',
        }),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  }
  const last = await alice.messages.send({ to: 'bob', image: { url: 'https://example.com/b.png' } })
  for (const f of [{}, { sender: 'alice' }, { between: ['alice', 'bob'] as [string, string] }]) {
    expect(await allPages(alice, { ...f, kind: 'image' })).toEqual([last.id, first.id])
    expect(await allPages(server.client, { ...f, kind: 'image', limit: 1 })).toEqual([last.id, first.id])
  }
  // Counting stops at 1,000, which means "more than 999".
  expect((await server.as('bob').direct.get({ user: 'alice' })).unreadCount).toBe(1_000)
  const { conversationId } = first
  const read = (seq: number) => server.as('bob').conversations.read({ conversationId, seq })
  expect(await read(1_102)).toEqual({ readSeq: 1_102, unreadCount: 1_000 })
  expect(await read(1_103)).toEqual({ readSeq: 1_103, unreadCount: 999 })
  expect(await read(2_101)).toEqual({ readSeq: 2_101, unreadCount: 1 })
})
