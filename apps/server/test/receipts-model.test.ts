import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects } from '@sotto/testing/internal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomCases } from '../../../scripts/test-scale.ts'

/* Compares receipts and unread counts with a model that tracks each message separately. */

const names = ['alice', 'bob'] as const
type Name = (typeof names)[number]
const other = (name: Name): Name => (name === 'alice' ? 'bob' : 'alice')

const name = fc.constantFrom(...names)
const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), by: name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), by: name, seq: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fetch' as const), by: name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('look back' as const), by: name, nth: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('delete' as const), seq: fc.integer({ min: 1, max: 20 }) }),
  },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

interface KnownMessage {
  id: string
  sender: Name
  deliveredAt: Date | null
  readAt: Date | null
  deleted: boolean
}

class Model {
  conversationId = ''
  /** By seq, the first at 0. */
  readonly messages: KnownMessage[] = []
  readonly readSeq = { alice: 0, bob: 0 }
  readonly #fetched = new Set<Name>()

  async act(server: TestServer, what: Action): Promise<void> {
    const now = server.clock.now()
    if (what.do === 'send') {
      const { id, conversationId, seq } = await server
        .as(what.by)
        .messages.send({ to: other(what.by), text: 'x' })
      this.conversationId = conversationId
      this.messages.push({ id, sender: what.by, deliveredAt: null, readAt: null, deleted: false })
      if (this.readSeq[what.by] === seq - 1) this.readSeq[what.by] = seq
    } else if (what.do === 'read' && this.messages.length > 0) {
      const seq = Math.min(what.seq, this.messages.length)
      const answer = await server.as(what.by).conversations.read({ conversationId: this.conversationId, seq })
      if (seq > this.readSeq[what.by]) {
        this.readSeq[what.by] = seq
        for (const message of this.#received(what.by).slice(0, seq)) {
          if (!message) continue
          message.deliveredAt ??= now
          message.readAt ??= now
        }
      }
      expect(answer).toEqual({ readSeq: this.readSeq[what.by], unreadCount: this.unread(what.by) })
    } else if (what.do === 'look back') {
      // Fetching one's own message delivers nothing, not even earlier messages of the other user.
      const own = this.messages.filter(({ sender }) => sender === what.by)
      const message = own[what.nth % Math.max(1, own.length)]
      if (message) await server.as(what.by).messages.get({ messageId: message.id })
    } else if (what.do === 'delete') {
      const message = this.messages[what.seq - 1]
      if (!message) return
      await server.as(message.sender).messages.delete({ messageId: message.id })
      message.deleted = true
    } else if (what.do === 'fetch' && !this.#fetched.has(what.by)) {
      // Only once per user: marks within the same second are batched and written when it ends.
      await server.as(what.by).direct.messages({ user: other(what.by) })
      const received = this.#received(what.by)
      const last = received.findLast((message) => message)
      if (!last || last.deliveredAt) return
      this.#fetched.add(what.by)
      for (const message of received) if (message) message.deliveredAt ??= now
      // Marks are written after the response. The clock must not advance before.
      await expect
        .poll(async () => (await server.client.messages.get({ messageId: last.id })).deliveredAt, {
          interval: 5,
          timeout: 10_000,
        })
        .toEqual(now)
    }
  }

  unread(name: Name): number {
    return this.#received(name)
      .slice(this.readSeq[name])
      .filter((message) => message && !message.deleted).length
  }

  /** Messages by seq, with `undefined` in place of the user's own. */
  #received(name: Name): (KnownMessage | undefined)[] {
    return this.messages.map((message) => (message.sender === name ? undefined : message))
  }
}

describe.each(dialects)('receipts on %s', (using) => {
  test('show when each message was delivered and read, and the unread count of each user', {
    timeout: 180_000,
  }, async () => {
    const property = fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 30 }), async (actions) => {
      await using server = await createTestServer({ using, users: names })
      const model = new Model()
      server.clock.set('2026-05-01T10:00:00.000Z')
      for (const what of actions) {
        server.clock.advance(1_000)
        await model.act(server, what)
      }
      if (model.messages.length === 0) return

      // Reading with a bare key leaves no marks.
      const { items } = await server.client.conversations.messages({
        conversationId: model.conversationId,
        after: 0,
      })
      expect(
        items.map(({ id, deliveredAt, readAt, deletedAt }) => ({
          id,
          deliveredAt,
          readAt,
          deleted: deletedAt !== null,
        })),
      ).toEqual(
        model.messages.map(({ id, deliveredAt, readAt, deleted }) => ({ id, deliveredAt, readAt, deleted })),
      )
      for (const isRead of [true, false]) {
        const listed = await server.client.messages.list({ isRead })
        expect(listed.items.map(({ id }) => id).toReversed()).toEqual(
          model.messages.filter(({ readAt }) => (readAt !== null) === isRead).map(({ id }) => id),
        )
      }
      for (const by of names) {
        const inbox = await server.as(by).conversations.list()
        expect(
          inbox.items.map(({ readSeq, unreadCount, lastSeq }) => [readSeq, unreadCount, lastSeq]),
        ).toEqual([[model.readSeq[by], model.unread(by), model.messages.length]])
      }
    })
    await fc.assert(property, randomCases(using === 'sqlite' ? 8 : 2))
  })
})
