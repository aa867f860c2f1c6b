import type { Message } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects } from '@sotto/testing/internal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomCases } from '../../../scripts/test-scale.ts'

/*
 * Compares what each user sees of a group with a model that records what happened during each user's stays, and what
 * the group and its messages were like when a stay ended.
 */

const names = ['alice', 'bob', 'carol', 'dave'] as const
type Name = (typeof names)[number]

const name = fc.constantFrom(...names)
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), by: name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), by: name, seq: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit' as const), nth: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), nth: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('react' as const), by: name, nth: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rename' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('add' as const), user: name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), user: name }) },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

interface SentMessage {
  id: string
  seq: number
  sender: Name
  text: string
  edited: boolean
  deleted: boolean
  /** The users who have reacted. */
  reactions: Name[]
}

/** What a user sees of a message. */
interface Seen {
  seq: number
  text: string | null
  edited: boolean
  reactions: number
}

interface Participant {
  isIn: boolean
  /** The last message before this stay. */
  joinedAfter: number
  readSeq: number
  /** Messages sent during their stays. */
  seen: SentMessage[]
  /** What those messages were like when the last stay ended. */
  frozen: Map<SentMessage, { text: string; edited: boolean }>
  /** The names of the group when stays ended. */
  namesAtEnd: string[]
  /** The events they should receive, in order. */
  events: string[]
}

class Model {
  readonly participants = new Map<Name, Participant>()
  readonly sent: SentMessage[] = []
  #groupName = 'Group'
  #renames = 0
  readonly #server: TestServer
  readonly #conversationId: string
  readonly #ids: ReadonlyMap<Name, string>

  constructor(server: TestServer, conversationId: string, ids: ReadonlyMap<Name, string>) {
    this.#server = server
    this.#conversationId = conversationId
    this.#ids = ids
    for (const user of names) {
      this.participants.set(user, {
        isIn: user === 'alice',
        joinedAfter: 0,
        readSeq: 0,
        seen: [],
        frozen: new Map(),
        namesAtEnd: [],
        events: [],
      })
    }
    this.participant('alice').events.push('conversation.created')
  }

  participant(user: Name): Participant {
    const participant = this.participants.get(user)
    if (!participant) throw new Error(user)
    return participant
  }

  async act(what: Action): Promise<void> {
    switch (what.do) {
      case 'send':
        return this.#send(what.by)
      case 'read':
        return this.#read(what.by, what.seq)
      case 'edit':
      case 'delete':
        return this.#change(what.do, what.nth)
      case 'react':
        return this.#react(what.by, what.nth)
      case 'rename':
        return this.#rename()
      case 'add':
        return this.#add(what.user)
      case 'remove':
        return this.#remove(what.user)
    }
  }

  async #send(by: Name): Promise<void> {
    const participant = this.participant(by)
    if (!participant.isIn) return
    const text = `message ${this.sent.length + 1}`
    const conversationId = this.#conversationId
    const { id, seq } = await this.#server.as(by).messages.send({ conversationId, text })
    expect(seq).toBe(this.sent.length + 1)
    const message = { id, seq, sender: by, text, edited: false, deleted: false, reactions: [] as Name[] }
    this.sent.push(message)
    if (participant.readSeq === seq - 1) participant.readSeq = seq
    for (const other of this.participants.values()) if (other.isIn) other.seen.push(message)
    this.#emit(`message.created ${seq}`)
  }

  async #read(by: Name, seq: number): Promise<void> {
    const participant = this.participant(by)
    const mark = Math.min(seq, this.sent.length)
    if (!participant.isIn) return
    const conversationId = this.#conversationId
    const answer = await this.#server.as(by).conversations.read({ conversationId, seq: mark })
    if (mark > participant.readSeq) {
      participant.readSeq = mark
      this.#emit(`receipt.updated ${by} ${mark}`)
    }
    expect(answer).toEqual({ readSeq: participant.readSeq, unreadCount: this.unread(by) })
  }

  async #change(how: 'edit' | 'delete', nth: number): Promise<void> {
    const message = this.sent[nth % Math.max(this.sent.length, 1)]
    if (!message || message.deleted || !this.participant(message.sender).isIn) return
    const { messages } = this.#server.as(message.sender)
    if (how === 'edit') {
      message.text += '!'
      message.edited = true
      await messages.edit({ messageId: message.id, text: message.text })
    } else {
      message.deleted = true
      await messages.delete({ messageId: message.id })
    }
    this.#emit(`message.${how}${how === 'edit' ? 'ed' : 'd'} ${message.seq}`, message)
  }

  /** Adds the user's reaction, or removes it. */
  async #react(by: Name, nth: number): Promise<void> {
    const { isIn, seen } = this.participant(by)
    const message = seen[nth % Math.max(seen.length, 1)]
    if (!isIn || !message || message.deleted) return
    const isAdded = !message.reactions.includes(by)
    const { messages } = this.#server.as(by)
    await (isAdded ? messages.like({ messageId: message.id }) : messages.unlike({ messageId: message.id }))
    message.reactions = isAdded ? [...message.reactions, by] : message.reactions.filter((user) => user !== by)
    this.#emit(`reaction.${isAdded ? 'added' : 'removed'} ${by} ${message.id}`, message)
  }

  async #rename(): Promise<void> {
    const name = `Group ${++this.#renames}`
    await this.#server.as('alice').conversations.update({ conversationId: this.#conversationId, name })
    this.#groupName = name
    this.#emit('conversation.updated')
  }

  async #add(user: Name): Promise<void> {
    const participant = this.participant(user)
    const conversationId = this.#conversationId
    await this.#server.as('alice').participants.set({ conversationId, user })
    if (participant.isIn) return
    participant.isIn = true
    participant.joinedAfter = this.sent.length
    participant.readSeq = this.sent.length
    participant.events.push('conversation.created')
    this.#emit(`participant.joined ${user}`)
  }

  async #remove(user: Name): Promise<void> {
    // Alice stays, so that she can add the others again.
    if (user === 'alice') return
    const participant = this.participant(user)
    const conversationId = this.#conversationId
    await this.#server.as('alice').participants.remove({ conversationId, user })
    if (!participant.isIn) return
    this.#emit(`participant.left ${user}`)
    participant.isIn = false
    participant.frozen = new Map(participant.seen.map((message) => [message, { ...message }]))
    participant.namesAtEnd.push(this.#groupName)
  }

  #emit(event: string, about?: SentMessage): void {
    for (const other of this.participants.values()) {
      if (other.isIn && (!about || other.seen.includes(about))) other.events.push(event)
    }
  }

  /** What a user sees of a message: its current state, or that of the end of their last stay. */
  #seenBy(by: Name, message: SentMessage): Seen {
    const { isIn, frozen } = this.participant(by)
    const { text, edited } = isIn ? message : (frozen.get(message) ?? message)
    return {
      seq: message.seq,
      text: message.deleted ? null : text,
      edited: edited && (isIn || !message.deleted),
      reactions: isIn && !message.deleted ? message.reactions.length : 0,
    }
  }

  unread(by: Name): number {
    const { readSeq, seen } = this.participant(by)
    return seen.filter((message) => message.seq > readSeq && message.sender !== by && !message.deleted).length
  }

  /** Compares everything that the server returns with the model. */
  async check(cursors: ReadonlyMap<Name, string>): Promise<void> {
    for (const by of names) {
      const client = this.#server.as(by)
      const participant = this.participant(by)
      const conversationId = this.#conversationId
      const seqs = participant.seen.map((message) => message.seq)

      const inbox = await Array.fromAsync(client.conversations.list())
      expect(inbox.length).toBe(participant.isIn ? 1 : 0)
      if (participant.isIn) {
        expect(inbox[0]).toMatchObject({ readSeq: participant.readSeq, unreadCount: this.unread(by) })
        const last = this.sent.length > participant.joinedAfter ? this.sent.length : undefined
        expect(inbox[0]?.lastMessage?.seq).toBe(last)
      }

      if (participant.events.length > 0) {
        const older = await Array.fromAsync(client.conversations.messages({ conversationId, limit: 3 }))
        expect(older.map((message) => message.seq)).toEqual(seqs.toReversed())
        const seen = participant.seen.map((message) => this.#seenBy(by, message))
        expect(older.map(toSeen)).toEqual(seen.toReversed())
        const upwards = await Array.fromAsync(
          client.conversations.messages({ conversationId, after: 0, limit: 3 }),
        )
        expect(upwards.map((message) => message.seq)).toEqual(seqs)
        const since = upwards[Math.floor(upwards.length / 2)]?.createdAt ?? new Date()
        const later = await Array.fromAsync(
          client.conversations.messages({ conversationId, since, limit: 3 }),
        )
        expect(later).toEqual(upwards.filter((message) => message.createdAt >= since))
        for (let page = 1; page <= Math.ceil(seqs.length / 4) + 1; page++) {
          const { items } = await client.conversations.messages({ conversationId, page, pageSize: 4 })
          expect(items.map((message) => message.seq)).toEqual(
            seqs.toReversed().slice((page - 1) * 4, page * 4),
          )
        }
        const across = await Array.fromAsync(client.messages.list({ limit: 5 }))
        expect(across.map(toSeen).toSorted((a, b) => a.seq - b.seq)).toEqual(seen)
        expect(across.map((message) => message.seq).toSorted((a, b) => b - a)).toEqual(seqs.toReversed())
        const ofAlice = await Array.fromAsync(client.messages.list({ sender: 'alice', limit: 5 }))
        expect(ofAlice.map((message) => message.seq).toSorted((a, b) => a - b)).toEqual(
          participant.seen.filter((message) => message.sender === 'alice').map((message) => message.seq),
        )
      }
      for (const message of this.sent) {
        const found = await client.messages.get({ messageId: message.id }).catch(() => undefined)
        expect(found && toSeen(found)).toEqual(
          participant.seen.includes(message) ? this.#seenBy(by, message) : undefined,
        )
      }
      await this.#checkExport(by)
      // These events contain the current state of the conversation, so only participants receive them.
      const expected = participant.events.filter(
        (event) => participant.isIn || !/^conversation\.(created|updated)$/.test(event),
      )
      expect(await this.#eventsOf(by, cursors.get(by) ?? '', expected.length)).toEqual(expected)
    }
  }

  async #checkExport(by: Name): Promise<void> {
    const { seen, isIn, namesAtEnd } = this.participant(by)
    const lines = await Array.fromAsync(this.#server.as(by).users.export({ user: by }))
    const messages = lines.flatMap((line) => (line.type === 'message' ? toSeen(line.message) : []))
    expect(messages).toEqual(seen.map((message) => this.#seenBy(by, message)))
    const names = lines.flatMap((line) => (line.type === 'stay' ? line.stay.name : []))
    expect(names).toEqual(isIn ? [...namesAtEnd, this.#groupName] : namesAtEnd)
  }

  /** Waits until there are `count` events. Returns later ones too. */
  async #eventsOf(by: Name, from: string, count: number): Promise<string[]> {
    const nameOf = new Map([...this.#ids].map(([user, id]) => [id, user]))
    const events: string[] = []
    let cursor = from
    for (;;) {
      // An open transaction of another test in the same cluster can hold back the end of the log for seconds.
      const wait = events.length < count ? 15 : 0
      const page = await this.#server.as(by).events.pull({ cursor, wait })
      if (page.items.length === 0) return events
      cursor = page.cursor
      for (const event of page.items) {
        if ('message' in event) {
          events.push(`${event.type} ${event.message.seq}`)
          const about = this.sent.find(({ id }) => id === event.message.id)
          expect(toSeen(event.message)).toEqual(about && this.#seenBy(by, about))
        } else if (event.type === 'reaction.added' || event.type === 'reaction.removed') {
          events.push(`${event.type} ${nameOf.get(event.userId)} ${event.messageId}`)
          const about = this.sent.find(({ id }) => id === event.messageId)
          expect(countOf(event.reactions)).toEqual(about && this.#seenBy(by, about).reactions)
        } else if (event.type === 'receipt.updated')
          events.push(`${event.type} ${nameOf.get(event.userId)} ${event.seq}`)
        else if (event.type === 'participant.joined' || event.type === 'participant.left')
          events.push(`${event.type} ${nameOf.get(event.userId)}`)
        else events.push(event.type)
      }
    }
  }
}

function toSeen({ seq, text, editedAt, reactions }: Message): Seen {
  return { seq, text, edited: editedAt !== null, reactions: countOf(reactions) }
}

function countOf(reactions: readonly { count: number }[]): number {
  return reactions.reduce((sum, { count }) => sum + count, 0)
}

describe.each(dialects)('groups on %s', (using) => {
  test('show each user exactly what happened during their stays', {
    timeout: 180_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 30 }), async (actions) => {
        await using server = await createTestServer({ using, users: [...names] })
        const cursors = new Map<Name, string>()
        const ids = new Map<Name, string>()
        for (const user of names) {
          cursors.set(user, (await server.as(user).events.pull({})).cursor)
          ids.set(user, (await server.client.users.get({ user })).id)
        }
        const { id } = await server.as('alice').conversations.create({ name: 'Group', participants: [] })
        const model = new Model(server, id, ids)
        for (const next of actions) await model.act(next)
        await model.check(cursors)
      }),
      randomCases(4),
    )
  })
})
