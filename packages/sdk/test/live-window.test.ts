import type { Fetch, LiveConversation } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { seqsOf, textsOf, until } from './support/live.ts'

const LENGTH = 100
const FIRST_DAY = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

/** Ten messages a day. */
const dayOf = (seq: number) => new Date(FIRST_DAY + Math.floor((seq - 1) / 10) * DAY_MS)

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe('the window of a live conversation', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await createTestServer()
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  /** Holds back requests for messages, so that other things can happen first. */
  let held: (() => void)[] | undefined
  const fetch: Fetch = async (url, init) => {
    if (held && url.includes('conversations.messages')) {
      const waiting = held
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    return await server.fetch(url, init)
  }
  function releaseHeld(): void {
    for (const release of held?.splice(0) ?? []) release()
    held = undefined
  }

  let alice = ''
  let bob = ''
  let run = 0
  beforeEach(async () => {
    run += 1
    ;[alice, bob] = [`alice${run}`, `bob${run}`]
    for (const username of [alice, bob]) await server.client.users.create({ username })
    for (const seq of range(1, LENGTH)) {
      server.clock.set(dayOf(seq))
      await server.as(alice).messages.send({ to: bob, text: `${seq}` })
    }
    server.clock.release()
  })

  const clientOf = (name: string) =>
    createClient({ url: server.url, token: server.serviceKey, fetch, retries: 0 }).as(name)

  /** Opens bob's view, with ten messages per page and at most forty. */
  async function open(maxMessages = 40): Promise<LiveConversation> {
    const live = clientOf(bob).conversation(alice).live({ pageSize: 10, maxMessages })
    await until(live, ({ isLoaded }) => isLoaded)
    return live
  }

  it('is bounded when scrolling in either direction', async () => {
    await using live = await open()
    expect(seqsOf(live.state)).toEqual(range(91, 100))
    for (const first of [81, 71, 61]) {
      await live.loadOlder()
      expect(seqsOf(live.state)).toEqual(range(first, 100))
    }
    expect(live.state).toMatchObject({ hasOlder: true, hasNewer: false })
    for (const first of [51, 41, 31, 21, 11, 1]) {
      await live.loadOlder()
      expect(seqsOf(live.state)).toEqual(range(first, first + 39))
      expect(live.state).toMatchObject({
        hasOlder: first > 1,
        hasNewer: true,
        lastSeq: 100,
        unreadCount: 100,
      })
    }
    for (const last of [50, 60, 70, 80, 90, 100]) {
      await Promise.all([live.loadNewer(), live.loadNewer()])
      expect(seqsOf(live.state)).toEqual(range(last - 39, last))
    }
    expect(live.state).toMatchObject({ hasOlder: true, hasNewer: false })
    const before = live.state
    await live.loadNewer()
    expect(seqsOf(live.state)).toEqual(seqsOf(before))
  })

  it('holds at least four pages', async () => {
    await using live = await open(1)
    for (const _ of range(1, 5)) await live.loadOlder()
    expect(live.state.messages).toHaveLength(40)
  })

  it('moves to a message, to a date, or to the newest message', async () => {
    await using live = await open()
    expect(await live.jumpTo({ seq: 50 })).toMatchObject({ seq: 50 })
    expect(seqsOf(live.state)).toEqual(range(40, 59))
    expect(live.state).toMatchObject({ hasOlder: true, hasNewer: true, isLoaded: true })
    expect(await live.jumpTo({ date: dayOf(25) })).toMatchObject({ seq: 21 })
    expect(seqsOf(live.state)).toEqual(range(11, 30))
    expect(await live.jumpTo({ date: new Date(dayOf(25).getTime() + 1) })).toMatchObject({ seq: 31 })
    expect(await live.jumpTo({ date: new Date(0) })).toMatchObject({ seq: 1 })
    expect(live.state).toMatchObject({ hasOlder: false, hasNewer: true })
    expect(await live.jumpTo({ date: new Date() })).toMatchObject({ seq: 100 })
    expect(live.state).toMatchObject({ hasOlder: true, hasNewer: false })
    expect(seqsOf(live.state)).toEqual(range(91, 100))
    expect(await live.jumpTo({ seq: 96 })).toMatchObject({ seq: 96 })
    // Message 96 was already in the window.
    expect(seqsOf(live.state)).toEqual(range(91, 100))
    expect(await live.jumpTo({ seq: 3 })).toMatchObject({ seq: 3 })
    expect(seqsOf(live.state)).toEqual(range(1, 12))
    expect(await live.jumpTo({ seq: 1_000 })).toMatchObject({ seq: 100 })
    expect(await live.jumpTo({ seq: 0 })).toMatchObject({ seq: 1 })
    expect(await live.jumpTo('newest')).toMatchObject({ seq: 100 })
    for (const target of [{ seq: 1.5 }, { seq: Number.NaN }, { date: new Date('no date') }]) {
      await expect(live.jumpTo(target)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect(live.state).toMatchObject({ connection: 'connected', error: undefined })
  })

  it('can jump before it is loaded, and resolves with undefined in an empty conversation', async () => {
    await using live = clientOf(bob).conversation(alice).live({ pageSize: 10 })
    expect(await live.jumpTo({ seq: 20 })).toMatchObject({ seq: 20 })
    expect(seqsOf(live.state)).toEqual(range(10, 29))
    await using empty = clientOf(bob).conversation(bob).live()
    expect(await Promise.all([empty.jumpTo({ seq: 20 }), empty.jumpTo('newest')])).toEqual([
      undefined,
      undefined,
    ])
  })

  it('moves to the target of the last of several jumps', async () => {
    await using live = await open()
    held = []
    const older = live.loadOlder()
    const first = live.jumpTo({ seq: 20 })
    await expect.poll(() => held?.length).toBe(3)
    const second = live.jumpTo({ seq: 70 })
    const meanwhile = live.loadOlder()
    releaseHeld()
    expect(await Promise.all([first, second])).toMatchObject([undefined, { seq: 70 }])
    await Promise.all([older, meanwhile])
    expect(seqsOf(live.state)).toEqual(range(60, 79))

    held = []
    const newer = live.loadNewer()
    await expect.poll(() => held?.length).toBe(1)
    const last = live.jumpTo('newest')
    releaseHeld()
    await Promise.all([newer, last])
    expect(seqsOf(live.state)).toEqual(range(91, 100))
  })

  it('stays in place while new messages are counted, and updates the messages it holds', async () => {
    await using live = await open()
    await live.markRead(100)
    await live.jumpTo({ seq: 50 })
    expect(live.state).toMatchObject({ readSeq: 100, unreadCount: 0, lastSeq: 100 })
    const sender = server.as(alice)
    const { items } = await sender.direct.messages({ user: bob, after: 48, limit: 3 })
    const [first, second, third] = items.map(({ id }) => id)
    const arrived = await sender.messages.send({ to: bob, text: 'new' })
    await sender.messages.send({ to: bob, text: 'newer' })
    await sender.messages.edit({ messageId: first ?? '', text: 'edited' })
    await sender.messages.delete({ messageId: second ?? '' })
    await sender.messages.like({ messageId: third ?? '' })
    const state = await until(
      live,
      ({ messages }) => messages[11]?.status === 'sent' && messages[11].reactions.length > 0,
    )
    expect(seqsOf(state)).toEqual(range(40, 59))
    expect(textsOf(state).slice(9, 12)).toEqual(['edited', null, '51'])
    expect(state).toMatchObject({ readSeq: 100, unreadCount: 2, lastSeq: 102, hasNewer: true })
    await sender.messages.delete({ messageId: arrived.id })
    await until(live, ({ unreadCount }) => unreadCount === 1)
    await live.markRead(102)
    await until(live, ({ unreadCount, readSeq }) => unreadCount === 0 && readSeq === 102)
    await live.jumpTo('newest')
    expect(seqsOf(live.state)).toEqual(range(93, 102))
  })

  it('drops the oldest messages as new ones arrive, unless the user has loaded older ones', async () => {
    await using live = await open()
    for (const _ of range(1, 3)) await live.loadOlder()
    expect(seqsOf(live.state)).toEqual(range(61, 100))
    await server.as(alice).messages.send({ to: bob, text: 'new' })
    const away = await until(live, ({ lastSeq }) => lastSeq === 101)
    expect(seqsOf(away)).toEqual(range(61, 100))
    expect(away).toMatchObject({ hasNewer: true, unreadCount: 101 })
    await live.loadNewer()
    expect(seqsOf(live.state)).toEqual(range(62, 101))
    await server.as(alice).messages.send({ to: bob, text: 'newer' })
    const there = await until(live, ({ lastSeq }) => lastSeq === 102)
    expect(seqsOf(there)).toEqual(range(63, 102))
    expect(there.hasNewer).toBe(false)
  })

  it('jumps to the newest message on send, and lists unsent messages separately until then', async () => {
    await using live = await open()
    await live.jumpTo({ seq: 50 })
    held = []
    const clientMessageId = live.send('mine')
    expect(live.state.unsent).toMatchObject([{ text: 'mine', clientMessageId }])
    expect(seqsOf(live.state)).toEqual(range(40, 59))
    releaseHeld()
    const state = await until(live, ({ messages }) => messages.at(-1)?.text === 'mine')
    expect(state).toMatchObject({ hasNewer: false })
    await until(live, ({ unsent }) => unsent.length === 0)
    expect(textsOf(live.state).filter((text) => text === 'mine')).toHaveLength(1)

    // A jump made during a send takes effect, and the message is still sent.
    await live.jumpTo({ seq: 50 })
    live.send('mine too')
    await live.jumpTo({ seq: 20 })
    const elsewhere = await until(live, ({ unsent }) => unsent.length === 0)
    expect(seqsOf(elsewhere)).toEqual(range(10, 29))
    await live.jumpTo('newest')
    expect(textsOf(live.state).slice(-2)).toEqual(['mine', 'mine too'])
  })

  it('rejects pending jumps when the view is closed', async () => {
    const live = await open()
    held = []
    const jump = live.jumpTo({ seq: 20 })
    live.close()
    releaseHeld()
    await expect(jump).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(live.jumpTo('newest')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('the window of a live group', () => {
  it('jumps only to messages the user can read', async () => {
    await using server = await createTestServer({ users: ['alice', 'bob'] })
    const alice = server.as('alice')
    server.clock.set(dayOf(1))
    const { id: conversationId } = await alice.conversations.create({ name: 'Group', participants: [] })
    const say = async (first: number, last: number) => {
      for (const seq of range(first, last)) {
        server.clock.set(dayOf(seq))
        await alice.messages.send({ conversationId, text: `${seq}` })
      }
    }
    await say(1, 30)
    await alice.participants.set({ conversationId, user: 'bob' })
    await say(31, 60)
    await alice.participants.remove({ conversationId, user: 'bob' })
    await say(61, 70)
    await using live = server.as('bob').conversation({ conversationId }).live({ pageSize: 5 })
    expect(await live.jumpTo({ date: dayOf(5) })).toMatchObject({ seq: 31 })
    expect(seqsOf(live.state)).toEqual(range(31, 35))
    expect(live.state).toMatchObject({ hasOlder: false, hasNewer: true })
    expect(await live.jumpTo({ seq: 5 })).toMatchObject({ seq: 31 })
    expect(await live.jumpTo({ seq: 50 })).toMatchObject({ seq: 50 })
    expect(seqsOf(live.state)).toEqual(range(45, 54))
    expect(await live.jumpTo({ date: dayOf(65) })).toMatchObject({ seq: 60 })
    expect(live.state).toMatchObject({ hasNewer: false, hasLeft: true, lastSeq: 60 })
  })
})
