import type { Fetch, LiveState, SottoClient } from '@sotto/sdk'
import { createClient, SottoError } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import { openTcpProxy, type ServerProcess, spawnServer, type TcpProxy } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSettled, textsOf, until } from './support/live.ts'

const SERVICE_KEY = `sk_${'sdk-test-'.repeat(5)}`

describe('a live conversation', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await createTestServer()
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  let pairs = 0
  async function pair(): Promise<[string, string]> {
    pairs += 1
    const names: [string, string] = [`a${pairs}`, `b${pairs}`]
    for (const username of names) await server.client.users.create({ username })
    return names
  }

  it('exists before the first message, and shows it immediately', async () => {
    const [a, b] = await pair()
    await using alice = server.as(a).conversation(b.toUpperCase()).live()
    await using bob = server.as(b).conversation(a).live()
    expect(alice.state).toMatchObject({ messages: [], connection: 'connecting', isLoaded: false })
    await until(bob, ({ isLoaded }) => isLoaded)
    const id = alice.send('hello')
    expect(alice.state.messages).toMatchObject([
      { text: 'hello', status: 'pending', isMine: true, clientMessageId: id, error: undefined },
    ])
    const received = await until(bob, isSettled(1))
    expect(received.messages).toMatchObject([
      { text: 'hello', seq: 1, sender: a, isMine: false, clientMessageId: null },
    ])
    const sent = await until(alice, isSettled(1))
    expect(sent.messages).toMatchObject([{ text: 'hello', seq: 1, isMine: true, clientMessageId: id }])
    expect(sent).toMatchObject({ connection: 'connected', hasOlder: false, unreadCount: 0, readSeq: 1 })
    expect(sent.participants.map(({ user }) => user.username).sort()).toEqual([a, b])
  })

  it('takes a user and an actor named by external id, which differ by letter case', async () => {
    const [upper, lower] = ['ext:A, b/ß', 'ext:a, b/ß']
    for (const user of [upper, lower]) await server.client.users.put({ user })
    const [a] = await pair()
    await using toUpper = server.as(a).conversation(upper).live()
    await using toLower = server.as(a).conversation(lower).live()
    await using received = server.as(upper).conversation(a).live()
    await until(toUpper, ({ isLoaded }) => isLoaded)
    await until(toLower, ({ isLoaded }) => isLoaded)
    await server.as(upper).messages.send({ to: a, text: 'from the other side' })
    toLower.send('to the other user')
    expect(textsOf(await until(toUpper, isSettled(1)))).toEqual(['from the other side'])
    expect(textsOf(await until(toLower, isSettled(1)))).toEqual(['to the other user'])
    const own = await until(received, isSettled(1))
    expect(own.messages).toMatchObject([{ isMine: true }])
  })

  it('shows edits, deletions, reactions, receipts and typing of both users', async () => {
    const [a, b] = await pair()
    await using alice = server.as(a).conversation(b).live()
    await using bob = server.as(b).conversation(a).live()
    for (const text of ['1', '2', '3']) alice.send(text)
    const [first, second, third] = (await until(bob, isSettled(3))).messages.map((one) =>
      'id' in one ? one.id : '',
    )
    expect(bob.state.unreadCount).toBe(3)

    await bob.like(first ?? '')
    await bob.react(first ?? '', '🎉')
    await bob.unlike(first ?? '')
    await alice.react(first ?? '', '🎉')
    await alice.edit(second ?? '', 'two')
    await alice.delete(third ?? '')
    const reactions = [{ emoji: '🎉', count: 2, byMe: true }]
    for (const live of [alice, bob]) {
      const state = await until(live, ({ messages: [one, , three] }) =>
        Boolean(
          one && 'seq' in one && one.reactions[0]?.count === 2 && three && 'seq' in three && three.deletedAt,
        ),
      )
      expect(state.messages).toMatchObject([{ text: '1', reactions }, { text: 'two' }, { text: null }])
    }
    expect(bob.state.unreadCount).toBe(2)

    bob.typing(true)
    const { typing } = await until(alice, (state) => state.typing.length > 0)
    expect(typing).toEqual([(await server.client.users.get({ user: b })).id])
    bob.send('4')
    await until(alice, (state) => state.messages.length === 4 && state.typing.length === 0)

    await bob.markRead()
    expect(bob.state).toMatchObject({ readSeq: 4, unreadCount: 0 })
    const read = await until(alice, ({ messages }) =>
      messages.slice(0, 3).every((one) => 'seq' in one && one.readAt),
    )
    expect(read.messages[0]).toMatchObject({ deliveredAt: expect.any(Date), readAt: expect.any(Date) })
    expect(alice.state.unreadCount).toBe(1)
  })

  it('loads the newest messages first and older ones on request, and keeps unchanged objects', async () => {
    const [a, b] = await pair()
    const sender = server.as(a)
    const texts = Array.from({ length: 25 }, (_, index) => `${index + 1}`)
    for (const text of texts) await sender.messages.send({ to: b, text })
    await using bob = server.as(b).conversation(a).live({ pageSize: 10 })
    const newest = await until(bob, isSettled(10))
    expect(textsOf(newest)).toEqual(texts.slice(15))
    // Not all unread messages are loaded.
    expect(newest).toMatchObject({ unreadCount: 25, hasOlder: true })
    expect(bob.getSnapshot()).toBe(bob.state)

    await Promise.all([bob.loadOlder(), bob.loadOlder()])
    expect(textsOf(bob.state)).toEqual(texts.slice(5))
    await bob.loadOlder()
    expect(bob.state.hasOlder).toBe(false)
    await bob.loadOlder()
    expect(textsOf(bob.state)).toEqual(texts)

    const isDelivered = ({ messages }: LiveState) => messages.every((one) => 'seq' in one && one.deliveredAt)
    const before = await until(bob, isDelivered)
    await sender.messages.send({ to: b, text: '26' })
    const after = await until(bob, isSettled(26))
    expect(after.unreadCount).toBe(26)
    expect(before.messages).toHaveLength(25)
    expect(after.messages[3]).toBe(before.messages[3])
  })

  it('accepts a conversation id, and knows which messages are its own', async () => {
    const [a] = await pair()
    const b = `${a}-with-password`
    await server.client.users.create({ username: b, password: 'long enough' })
    await server.client.messages.send({ from: a, to: b, text: 'from a' })
    const { conversationId } = await server.client.messages.send({ from: b, to: a, text: 'from b' })
    const basic = { username: b, password: 'long enough' }
    const client = createClient({ url: server.url, fetch: server.fetch, basic })
    await using bob = client.conversation({ conversationId: conversationId.toUpperCase() }).live()
    const state = await until(bob, isSettled(2))
    expect(state.messages.map(({ isMine }) => isMine)).toEqual([false, true])
  })

  it('keeps a rejected message, and sends later ones', async () => {
    const [a, b] = await pair()
    await using alice = server.as(a).conversation(b).live()
    const rejected = alice.send(' ')
    alice.send({ text: 'next' })
    const state = await until(alice, ({ messages }) => messages.some(({ status }) => status === 'sent'))
    expect(state.messages).toMatchObject([
      { text: 'next', status: 'sent' },
      { text: ' ', status: 'failed', clientMessageId: rejected, error: { code: 'INVALID_INPUT' } },
    ])
    alice.retry(rejected)
    expect(alice.state.messages[1]).toMatchObject({ status: 'pending', error: undefined })
    await until(alice, ({ messages }) => messages[1]?.status === 'failed')
    alice.discard(rejected)
    expect(textsOf(alice.state)).toEqual(['next'])
  })

  it('works for a conversation with oneself', async () => {
    const [a, b] = await pair()
    await using notes = server.as(a).conversation(a).live()
    await until(notes, ({ isLoaded }) => isLoaded)
    await server.as(b).messages.send({ to: a, text: 'not a note' })
    notes.send('a note')
    const state = await until(notes, isSettled(1))
    expect(state).toMatchObject({ unreadCount: 0, messages: [{ text: 'a note', isMine: true }] })
  })

  it('shares one stream with other views of the client, which closes with the last of them', async () => {
    const [a, b] = await pair()
    let streams = 0
    const open = new Set<AbortSignal>()
    const fetch: Fetch = (url, init) => {
      if (new URL(url).pathname === '/v1/events' && init.signal) {
        streams += 1
        const { signal } = init
        open.add(signal)
        signal.addEventListener('abort', () => open.delete(signal))
      }
      return server.fetch(url, init)
    }
    const client = createClient({ url: server.url, token: server.serviceKey, fetch })
    const lives = [client.as(a).conversation(b).live(), client.as(a).conversation(a).live()]
    for (const live of lives) await until(live, ({ isLoaded }) => isLoaded)
    expect(streams).toBe(1)
    for (const live of lives) live.close()
    expect(lives[0]?.state.connection).toBe('closed')
    expect(() => lives[0]?.send('too late')).toThrow(SottoError)
    expect(open.size).toBe(0)
  })

  it('reports why it has failed', async () => {
    const [a] = await pair()
    const unknown = server.as(a).conversation('unknown-user').live()
    const gone = server.as(a).conversation({ conversationId: 'none' }).live()
    const noActor = server.client.conversation(a).live()
    const expected = [
      [unknown, 'USER_NOT_FOUND'],
      [gone, 'CONVERSATION_NOT_FOUND'],
      [noActor, 'ACTOR_REQUIRED'],
    ] as const
    for (const [live, code] of expected) {
      expect(await until(live, ({ connection }) => connection === 'closed')).toMatchObject({
        error: { code },
      })
    }
  })

  it('has the same operations without a view', async () => {
    const [a, b] = await pair()
    const withBob = server.as(a).conversation(b)
    await expect(withBob.get()).rejects.toMatchObject({ code: 'CONVERSATION_NOT_FOUND' })
    expect((await withBob.messages()).items).toEqual([])
    const { conversationId } = await withBob.send('1')
    await withBob.send({ text: '2', clientMessageId: 'mine' })
    const byId = server.as(b).conversation({ conversationId })
    expect((await byId.messages({ after: 0, limit: 1 })).items).toMatchObject([{ text: '1' }])
    expect(await byId.markRead(1)).toEqual({ readSeq: 1, unreadCount: 1 })
    expect(await server.as(b).conversation(a).markRead()).toEqual({ readSeq: 2, unreadCount: 0 })
    await byId.typing(true)
    expect((await byId.get()).id).toBe(conversationId)
  })
})

describe('a live conversation after a long disconnect', () => {
  it('reloads its messages and those it has missed', async () => {
    await using server = await createTestServer({
      users: ['alice', 'bob'],
      settings: { eventRetentionDays: 1 },
    })
    let isOffline = false
    let breakStream: (() => void) | undefined
    const fetch: Fetch = async (url, init) => {
      if (isOffline) throw new TypeError('no network')
      if (new URL(url).pathname !== '/v1/events') return server.fetch(url, init)
      const breaking = new AbortController()
      breakStream = () => breaking.abort()
      const response = await server.fetch(url, init)
      const { readable, writable } = new TransformStream()
      response.body?.pipeTo(writable, { signal: breaking.signal }).catch(() => {})
      return new Response(readable, response)
    }
    const events = { maxBackoffMs: 5 }
    const client = createClient({ url: server.url, token: server.serviceKey, fetch, retries: 0, events })
    const alice = server.as('alice')
    const sent = [
      await alice.messages.send({ to: 'bob', text: '1' }),
      await alice.messages.send({ to: 'bob', text: '2' }),
    ]
    await using bob = client.as('bob').conversation('alice').live()
    await until(bob, isSettled(2))
    await bob.markRead(1)

    isOffline = true
    breakStream?.()
    await until(bob, ({ connection }) => connection === 'reconnecting')
    await alice.messages.edit({ messageId: sent[0]?.id ?? '', text: 'one' })
    await alice.messages.delete({ messageId: sent[1]?.id ?? '' })
    await alice.messages.like({ messageId: sent[0]?.id ?? '' })
    await alice.messages.send({ to: 'bob', text: '3' })
    server.clock.advance(25 * 60 * 60 * 1_000)
    await alice.messages.send({ to: 'bob', text: '4' })
    isOffline = false
    const state = await until(
      bob,
      ({ messages, unreadCount }) =>
        messages.length === 4 &&
        messages.every((one, index) => one.text === ['one', null, '3', '4'][index]) &&
        unreadCount === 2,
    )
    expect(state.messages[0]).toMatchObject({ reactions: [{ emoji: '👍', count: 1, byMe: false }] })

    // Too far behind to load everything in between: it restarts with the newest page.
    isOffline = true
    breakStream?.()
    await until(bob, ({ connection }) => connection === 'reconnecting')
    for (let index = 5; index <= 1_010; index += 1) await alice.messages.send({ to: 'bob', text: `${index}` })
    server.clock.advance(25 * 60 * 60 * 1_000)
    await alice.messages.send({ to: 'bob', text: 'last' })
    isOffline = false
    const newest = await until(bob, ({ messages, isLoaded }) => isLoaded && messages.at(-1)?.text === 'last')
    expect(newest).toMatchObject({ hasOlder: true, readSeq: 1 })
    expect(newest.messages).toHaveLength(50)
  }, 60_000)
})

describe('an offline live conversation', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await spawnServer({ SOTTO_SERVICE_KEY: SERVICE_KEY })
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  let users = 0
  async function network(): Promise<{
    proxy: TcpProxy
    client: SottoClient
    a: string
    b: string
    direct: SottoClient
  }> {
    users += 1
    const direct = createClient({ url: server.url, token: SERVICE_KEY })
    const [a, b] = [`x${users}`, `y${users}`]
    for (const username of [a, b]) await direct.users.create({ username })
    const proxy = await openTcpProxy(server.url)
    const client = createClient({
      url: proxy.url,
      token: SERVICE_KEY,
      retries: 0,
      events: { maxBackoffMs: 50 },
    })
    return { proxy, client, a, b, direct }
  }

  it('sends pending messages in order once the network is back', async () => {
    const { proxy, client, a, b, direct } = await network()
    await using _ = proxy
    await using alice = client.as(a).conversation(b).live()
    alice.send('0')
    await until(alice, isSettled(1))
    proxy.refuse()
    await until(alice, ({ connection }) => connection === 'reconnecting')
    const texts = Array.from({ length: 10 }, (_, index) => `${index + 1}`)
    for (const text of texts) alice.send(text)
    await direct.as(b).messages.send({ to: a, text: 'meanwhile' })
    const before = proxy.count
    await proxy.until(() => proxy.count > before + 5)
    expect(alice.state.messages.map(({ status }) => status)).toEqual(['sent', ...texts.map(() => 'pending')])
    expect(alice.state.error).toMatchObject({ code: 'UNAVAILABLE' })
    proxy.restore()
    const state = await until(alice, isSettled(12))
    expect(textsOf(state)).toEqual(['0', 'meanwhile', ...texts])
    expect(state).toMatchObject({ unreadCount: 1, error: undefined })
  })

  it('starts without a network, and keeps unsent messages across a reload', async () => {
    const { proxy, client, a, b } = await network()
    await using _ = proxy
    proxy.refuse()
    const stored = new Map<string, string>()
    const storage = {
      get: (key: string) => stored.get(key),
      set: async (key: string, value: string) => void stored.set(key, value),
    }
    const first = client.as(a).conversation(b).live({ storage })
    const ids = ['1', '2', '3'].map((text) => first.send(text))
    first.discard(ids[1] ?? '')
    await until(first, ({ connection }) => connection === 'reconnecting')
    await first[Symbol.asyncDispose]()
    expect(stored.size).toBe(1)

    await using second = client.as(a).conversation(b).live({ storage })
    second.send('4')
    await until(second, ({ messages }) => messages.length === 3)
    expect(textsOf(second.state)).toEqual(['1', '3', '4'])
    expect(second.state.isLoaded).toBe(false)
    proxy.restore()
    const state = await until(second, isSettled(3))
    expect(textsOf(state)).toEqual(['1', '3', '4'])
    expect(state.messages.map(({ clientMessageId }) => clientMessageId).slice(0, 2)).toEqual([ids[0], ids[2]])
    await second[Symbol.asyncDispose]()
    expect([...stored.values()]).toEqual(['[]'])
  })

  it('sends each message once if responses are lost', async () => {
    const { a, b, direct } = await network()
    let connections = 0
    await using proxy = await openTcpProxy(server.url, {
      // Every other connection breaks in the middle of its first response.
      budget() {
        connections += 1
        return connections % 2 === 0 ? 300 : undefined
      },
    })
    const client = createClient({
      url: proxy.url,
      token: SERVICE_KEY,
      retries: 0,
      events: { maxBackoffMs: 50 },
    })
    await using alice = client.as(a).conversation(b).live()
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`)
    for (const text of texts) alice.send(text)
    await until(alice, isSettled(20))
    const { items } = await direct.as(a).direct.messages({ user: b })
    expect(items.map(({ text }) => text).reverse()).toEqual(texts)
    expect(textsOf(alice.state)).toEqual(texts)
  })

  it('reports a storage that fails, and keeps unsent messages in memory', async () => {
    const { proxy, client, a, b } = await network()
    await using _ = proxy
    proxy.refuse()
    const cause = new Error('the disk is full')
    const get = () => {
      throw cause
    }
    await using live = client
      .as(a)
      .conversation(b)
      .live({ storage: { get, set: () => Promise.reject(cause) } })
    live.send('1')
    const { error } = await until(live, (state) => state.error?.cause === cause)
    expect(error).toBeInstanceOf(SottoError)
    expect(textsOf(live.state)).toEqual(['1'])
    proxy.restore()
    await until(live, isSettled(1))
  })

  it('skips what is damaged in a storage', async () => {
    const { proxy, client, a, b, direct } = await network()
    await using _ = proxy
    const createdAt = new Date().toISOString()
    const intact = { clientMessageId: 'c1', content: { text: 'intact' }, createdAt }
    const damaged = [
      null,
      {},
      { ...intact, clientMessageId: 5 },
      { ...intact, clientMessageId: 'c2', content: null },
      { ...intact, clientMessageId: 'c3', createdAt: 'yesterday' },
      { ...intact, clientMessageId: 'c4', error: 'none' },
    ]
    for (const stored of ['{"no":1}', '[', JSON.stringify([intact, ...damaged])]) {
      proxy.refuse()
      await using live = client
        .as(a)
        .conversation(b)
        .live({ storage: { get: () => stored, set: () => {} } })
      await until(live, ({ error }) => error?.message.includes('unsent messages') === true)
      live.send(`after ${stored.length}`)
      proxy.restore()
      await until(live, ({ messages }) => messages.at(-1)?.status === 'sent')
      expect(live.state.error).toBeUndefined()
    }
    const { items } = await direct.as(a).direct.messages({ user: b })
    expect(items.map(({ text }) => text).filter((text) => text === 'intact')).toHaveLength(1)
    expect(items).toHaveLength(4)
  })

  it('does not wait for a storage that hangs', async () => {
    const { client, a, b } = await network()
    const loading = Promise.withResolvers<string>()
    const stored: string[] = []
    const storage = {
      get: () => loading.promise,
      set: (_: string, value: string) => {
        stored.push(value)
        return new Promise<void>(() => {})
      },
    }
    const live = client.as(a).conversation(b).live({ storage })
    live.send('now')
    await until(live, isSettled(1))
    expect(live.state.error?.message).toContain('storage')
    // What is stored there is unknown, so it must not be overwritten.
    expect(stored).toEqual([])
    const late = { clientMessageId: 'late', content: { text: 'late' }, createdAt: new Date().toISOString() }
    loading.resolve(JSON.stringify([late]))
    await until(live, isSettled(2))
    await live[Symbol.asyncDispose]()
  })
})
