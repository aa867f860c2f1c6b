import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects } from '@sotto/testing/internal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { testScale } from '../../../scripts/test-scale.ts'

/* Who sees what of a group, against a model that writes down for everybody what happened while they were in it. */

const names = ['alice', 'bob', 'carol', 'dave'] as const
type Name = (typeof names)[number]

const name = fc.constantFrom(...names)
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), by: name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), by: name, seq: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit' as const), nth: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), nth: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('add' as const), who: name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), who: name }) },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

interface Said {
  id: string
  seq: number
  sender: Name
  text: string
  deleted: boolean
}

interface Person {
  isIn: boolean
  /** The last message before this stay. */
  joinedAfter: number
  readSeq: number
  /** What was said while they were in the group. */
  seen: Said[]
  /** What they were told, in order. */
  told: string[]
}

class Model {
  readonly people = new Map<Name, Person>()
  readonly said: Said[] = []
  readonly #server: TestServer
  readonly #conversationId: string
  readonly #ids: ReadonlyMap<Name, string>

  constructor(server: TestServer, conversationId: string, ids: ReadonlyMap<Name, string>) {
    this.#server = server
    this.#conversationId = conversationId
    this.#ids = ids
    for (const one of names) {
      this.people.set(one, { isIn: one === 'alice', joinedAfter: 0, readSeq: 0, seen: [], told: [] })
    }
    this.person('alice').told.push('conversation.created')
  }

  person(one: Name): Person {
    const person = this.people.get(one)
    if (!person) throw new Error(one)
    return person
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
      case 'add':
        return this.#add(what.who)
      case 'remove':
        return this.#remove(what.who)
    }
  }

  async #send(by: Name): Promise<void> {
    const person = this.person(by)
    if (!person.isIn) return
    const text = `message ${this.said.length + 1}`
    const conversationId = this.#conversationId
    const { id, seq } = await this.#server.as(by).messages.send({ conversationId, text })
    expect(seq).toBe(this.said.length + 1)
    const message = { id, seq, sender: by, text, deleted: false }
    this.said.push(message)
    if (person.readSeq === seq - 1) person.readSeq = seq
    for (const one of this.people.values()) if (one.isIn) one.seen.push(message)
    this.#tell(`message.created ${seq}`)
  }

  async #read(by: Name, seq: number): Promise<void> {
    const person = this.person(by)
    const mark = Math.min(seq, this.said.length)
    if (!person.isIn) return
    const conversationId = this.#conversationId
    const answer = await this.#server.as(by).conversations.read({ conversationId, seq: mark })
    if (mark > person.readSeq) {
      person.readSeq = mark
      this.#tell(`receipt.updated ${by} ${mark}`)
    }
    expect(answer).toEqual({ readSeq: person.readSeq, unreadCount: this.unread(by) })
  }

  async #change(how: 'edit' | 'delete', nth: number): Promise<void> {
    const message = this.said[nth % Math.max(this.said.length, 1)]
    if (!message || message.deleted || !this.person(message.sender).isIn) return
    const { messages } = this.#server.as(message.sender)
    if (how === 'edit') {
      message.text += '!'
      await messages.edit({ messageId: message.id, text: message.text })
    } else {
      message.deleted = true
      await messages.delete({ messageId: message.id })
    }
    this.#tell(`message.${how}${how === 'edit' ? 'ed' : 'd'} ${message.seq}`, message)
  }

  async #add(who: Name): Promise<void> {
    const person = this.person(who)
    const conversationId = this.#conversationId
    await this.#server.as('alice').participants.set({ conversationId, user: who })
    if (person.isIn) return
    person.isIn = true
    person.joinedAfter = this.said.length
    person.readSeq = this.said.length
    person.told.push('conversation.created')
    this.#tell(`participant.joined ${who}`)
  }

  async #remove(who: Name): Promise<void> {
    // Alice stays, so that there is somebody to add the others again.
    if (who === 'alice') return
    const person = this.person(who)
    const conversationId = this.#conversationId
    await this.#server.as('alice').participants.remove({ conversationId, user: who })
    if (!person.isIn) return
    this.#tell(`participant.left ${who}`)
    person.isIn = false
  }

  #tell(what: string, about?: Said): void {
    for (const one of this.people.values()) {
      if (one.isIn && (!about || one.seen.includes(about))) one.told.push(what)
    }
  }

  unread(by: Name): number {
    const { readSeq, seen } = this.person(by)
    return seen.filter((one) => one.seq > readSeq && one.sender !== by && !one.deleted).length
  }

  /** Compares Array.fromAsync that the server tells with what it should. */
  async check(cursors: ReadonlyMap<Name, string>): Promise<void> {
    for (const by of names) {
      const client = this.#server.as(by)
      const person = this.person(by)
      const conversationId = this.#conversationId
      const seqs = person.seen.map((one) => one.seq)

      const inbox = await Array.fromAsync(client.conversations.list())
      expect(inbox.length).toBe(person.isIn ? 1 : 0)
      if (person.isIn) {
        expect(inbox[0]).toMatchObject({ readSeq: person.readSeq, unreadCount: this.unread(by) })
        const last = this.said.length > person.joinedAfter ? this.said.length : undefined
        expect(inbox[0]?.lastMessage?.seq).toBe(last)
      }

      if (person.told.length > 0) {
        const older = await Array.fromAsync(client.conversations.messages({ conversationId, limit: 3 }))
        expect(older.map((one) => one.seq)).toEqual(seqs.toReversed())
        expect(older.map((one) => one.text)).toEqual(
          person.seen.map((one) => (one.deleted ? null : one.text)).toReversed(),
        )
        const upwards = await Array.fromAsync(
          client.conversations.messages({ conversationId, after: 0, limit: 3 }),
        )
        expect(upwards.map((one) => one.seq)).toEqual(seqs)
        const since = upwards[Math.floor(upwards.length / 2)]?.createdAt ?? new Date()
        const later = await Array.fromAsync(
          client.conversations.messages({ conversationId, since, limit: 3 }),
        )
        expect(later).toEqual(upwards.filter((one) => one.createdAt >= since))
        for (let page = 1; page <= Math.ceil(seqs.length / 4) + 1; page++) {
          const one = await client.conversations.messages({ conversationId, page, pageSize: 4 })
          expect(one.items.map((message) => message.seq)).toEqual(
            seqs.toReversed().slice((page - 1) * 4, page * 4),
          )
        }
        const across = await Array.fromAsync(client.messages.list({ limit: 5 }))
        expect(across.map((one) => one.seq).toSorted((a, b) => b - a)).toEqual(seqs.toReversed())
        const ofAlice = await Array.fromAsync(client.messages.list({ sender: 'alice', limit: 5 }))
        expect(ofAlice.map((one) => one.seq).toSorted((a, b) => a - b)).toEqual(
          person.seen.filter((one) => one.sender === 'alice').map((one) => one.seq),
        )
      }
      for (const message of this.said) {
        const found = await client.messages.get({ messageId: message.id }).catch(() => undefined)
        expect(found?.seq).toBe(person.seen.includes(message) ? message.seq : undefined)
      }
      // A conversation is told of as it stands now, which is for those who are in it.
      const told = person.told.filter((one) => person.isIn || one !== 'conversation.created')
      expect(await this.#toldTo(by, cursors.get(by) ?? '', told.length)).toEqual(told)
    }
  }

  /** Waits for as many as there should be; what comes after them comes along. */
  async #toldTo(by: Name, from: string, count: number): Promise<string[]> {
    const nameOf = new Map([...this.#ids].map(([one, id]) => [id, one]))
    const told: string[] = []
    let cursor = from
    for (;;) {
      // A transaction that another test leaves open in the same cluster holds the log's end back for seconds.
      const wait = told.length < count ? 15 : 0
      const page = await this.#server.as(by).events.pull({ cursor, wait })
      if (page.items.length === 0) return told
      cursor = page.cursor
      for (const event of page.items) {
        if ('message' in event) told.push(`${event.type} ${event.message.seq}`)
        else if (event.type === 'receipt.updated')
          told.push(`${event.type} ${nameOf.get(event.userId)} ${event.seq}`)
        else if (event.type === 'participant.joined' || event.type === 'participant.left')
          told.push(`${event.type} ${nameOf.get(event.userId)}`)
        else told.push(event.type)
      }
    }
  }
}

describe.each(dialects)('groups on %s', (using) => {
  test('show everybody what was said while they were in it, and nothing else', {
    timeout: 180_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 30 }), async (actions) => {
        await using server = await createTestServer({ using, users: [...names] })
        const cursors = new Map<Name, string>()
        const ids = new Map<Name, string>()
        for (const one of names) {
          cursors.set(one, (await server.as(one).events.pull({})).cursor)
          ids.set(one, (await server.client.users.get({ user: one })).id)
        }
        const { id } = await server.as('alice').conversations.create({ name: 'Group', participants: [] })
        const model = new Model(server, id, ids)
        for (const one of actions) await model.act(one)
        await model.check(cursors)
      }),
      { numRuns: 7 * testScale },
    )
  })
})
