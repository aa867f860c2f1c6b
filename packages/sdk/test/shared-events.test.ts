import { once } from 'node:events'
import type {
  EventArrival,
  EventConnection,
  EventStream,
  EventTransport,
  SottoClient,
  StreamStatus,
} from '@sotto/sdk'
import { createClient, webSocket } from '@sotto/sdk'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { freezeChannels } from './support/freezable-channel.ts'
import { textsOf, until } from './support/live.ts'

// Each client counts as a tab: it shares with others only over the BroadcastChannel.

let server: RunningServer
let admin: SottoClient
beforeAll(async () => {
  server = await startServer('sqlite')
  admin = createClient({ url: server.url, token: server.serviceKey })
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

let names = 0
async function newUser(): Promise<{ name: string; id: string }> {
  names += 1
  const { id, username } = await admin.users.create({ username: `u${names}`, password: 'long enough' })
  return { name: username, id }
}

/** Counts the connections of several tabs. */
function countConnections() {
  const inner = webSocket()
  const connections = new Set<EventConnection>()
  let opened = 0
  async function* transport(connection: EventConnection) {
    opened += 1
    connections.add(connection)
    try {
      // The streams themselves are not silent.
      yield* inner({ ...connection, silenceMs: 25_000 })
    } finally {
      connections.delete(connection)
    }
  }
  return {
    get count() {
      return connections.size
    },
    get opened() {
      return opened
    },
    transport: transport as EventTransport,
  }
}

interface TabOptions {
  transport?: EventTransport | undefined
  token?: string | undefined
}

function openTab(user: string | undefined, { transport, token = server.serviceKey }: TabOptions = {}) {
  const client = createClient({
    url: server.url,
    token,
    events: { share: true, transport, maxBackoffMs: 20, silenceMs: 4_000 },
  })
  return user === undefined ? client : client.as(user)
}

/** Collects the texts of a stream, which is connected on return. */
async function follow(client: SottoClient, options: { cursor?: string } = {}) {
  const texts: (string | null)[] = []
  const statuses: StreamStatus[] = []
  const connected = Promise.withResolvers<void>()
  const stream: EventStream = client.events({
    ...options,
    onStatus(status) {
      statuses.push(status)
      if (status === 'connected') connected.resolve()
    },
  })
  const done = (async () => {
    for await (const event of stream) if (event.type === 'message.created') texts.push(event.message.text)
  })()
  await Promise.race([connected.promise, done])
  return { texts, statuses, stream, done }
}

const send = (from: string, to: string, texts: string[]) =>
  Promise.all(texts.map((text) => admin.messages.send({ from, to, text })))

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

it('opens one connection for all streams and live views of a user', async () => {
  const [alice, bob] = [await newUser(), await newUser()]
  await send(alice.name, bob.name, ['first'])
  const connections = countConnections()
  const tabs = Array.from({ length: 4 }, () => openTab(bob.name, connections))
  const streams = await Promise.all(tabs.flatMap((tab) => [follow(tab), follow(tab)]))
  const lives = tabs.map((tab) => tab.conversation(alice.name).live())
  const presences = tabs.map((tab) => tab.users.livePresence(alice.id))
  for (const live of lives)
    await until(live, ({ isLoaded, connection }) => isLoaded && connection === 'connected')
  for (const presence of presences) await until(presence, (state) => state?.online === false)
  await send(alice.name, bob.name, ['second'])
  for (const live of lives) await until(live, (state) => textsOf(state).includes('second'))
  await expect.poll(() => streams.map(({ texts }) => texts)).toEqual(streams.map(() => ['second']))

  const alices = await follow(openTab(alice.name))
  for (const presence of presences) await until(presence, (state) => state?.online === true)
  expect(connections.count).toBe(1)
  await Promise.all([alices, ...streams].map(({ stream }) => stream.return()))
  for (const view of [...lives, ...presences]) view.close()
  // The connection closes with the last of them.
  await expect.poll(() => connections.count).toBe(0)
})

it('continues without a gap when tab after tab is closed', async () => {
  const [alice, bob] = [await newUser(), await newUser()]
  const connections = countConnections()
  const tabs: Awaited<ReturnType<typeof follow>>[] = []
  // The first one leads, and the others wait in this order.
  for (let index = 0; index < 4; index += 1) tabs.push(await follow(openTab(bob.name, connections)))
  const sent: string[] = []
  for (const [round, tab] of tabs.slice(0, -1).entries()) {
    const texts = numbered(`${round}-`, 20)
    sent.push(...texts)
    const sending = send(alice.name, bob.name, texts)
    await tab.stream.return()
    await sending
  }
  const last = tabs.at(-1)
  await expect.poll(() => last?.texts.length).toBe(sent.length)
  expect(last?.texts.toSorted()).toEqual(sent.toSorted())
  expect(connections.count).toBe(1)
  await last?.stream.return()
})

it('takes over from a leader that is frozen, which follows when it continues', async () => {
  const [alice, bob] = [await newUser(), await newUser()]
  const [before, after] = [countConnections(), countConnections()]
  const channels = freezeChannels()
  const leader = await follow(openTab(bob.name, before)).finally(channels.restore)
  const tab = await follow(openTab(bob.name, after))
  await send(alice.name, bob.name, ['before'])
  await expect.poll(() => [leader.texts, tab.texts]).toEqual([['before'], ['before']])
  expect([before.count, after.count]).toEqual([1, 0])

  channels.freeze()
  await send(alice.name, bob.name, ['meanwhile'])
  await expect.poll(() => tab.texts).toEqual(['before', 'meanwhile'])
  await expect.poll(() => [before.count, after.count]).toEqual([0, 1])
  await send(alice.name, bob.name, ['after'])
  await expect.poll(() => tab.texts).toEqual(['before', 'meanwhile', 'after'])

  channels.unfreeze()
  await expect.poll(() => leader.texts).toEqual(['before', 'meanwhile', 'after'])
  expect([before.count, after.count]).toEqual([0, 1])
  await Promise.all([leader.stream.return(), tab.stream.return()])
})

it('lets another tab lead before the browser freezes the leader', async () => {
  const [alice, bob] = [await newUser(), await newUser()]
  const [before, after] = [countConnections(), countConnections()]
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  vi.stubGlobal('document', document)
  const leader = await follow(openTab(bob.name, before)).finally(() => vi.unstubAllGlobals())
  const tab = await follow(openTab(bob.name, after))
  document.dispatchEvent(new Event('freeze'))
  await expect.poll(() => [before.count, after.count]).toEqual([0, 1])
  await send(alice.name, bob.name, ['meanwhile'])
  await expect.poll(() => tab.texts).toEqual(['meanwhile'])
  expect(leader.texts).toEqual([])
  document.dispatchEvent(new Event('resume'))
  await expect.poll(() => leader.texts).toEqual(['meanwhile'])
  expect([before.count, after.count]).toEqual([0, 1])
  await Promise.all([leader.stream.return(), tab.stream.return()])
})

it('never passes the events of one user to a tab of another', async () => {
  const [alice, bob, carol] = [await newUser(), await newUser(), await newUser()]
  const [was, is] = ['ext:moved', 'ext:other']
  await admin.users.update({ user: bob.name, externalId: was.slice(4) })
  const connections = countConnections()
  const bobs = await follow(openTab(was, connections))
  // From now on, the same reference and the same key name another user.
  await admin.users.update({ user: bob.name, externalId: is.slice(4) })
  await admin.users.update({ user: carol.name, externalId: was.slice(4) })
  const carols = await follow(openTab(was, connections))
  await send(alice.name, bob.name, ['for bob'])
  await send(alice.name, carol.name, ['for carol'])
  await expect.poll(() => carols.texts).toEqual(['for carol'])
  await expect.poll(() => bobs.texts).toEqual(['for bob'])
  expect(connections.count).toBe(2)
  await Promise.all([bobs.stream.return(), carols.stream.return()])
})

it('ends the streams of a session with it, whichever tab leads', async () => {
  const [alice, bob] = [await newUser(), await newUser()]
  const signIn = () =>
    createClient({ url: server.url }).sessions.create({ username: bob.name, password: 'long enough' })
  const [first, second] = [await signIn(), await signIn()]
  const ended = [
    await follow(openTab(undefined, { token: first.token })),
    await follow(openTab(undefined, { token: first.token })),
  ]
  const other = await follow(openTab(undefined, { token: second.token }))
  await createClient({ url: server.url, token: first.token }).sessions.end()
  for (const { done } of ended) await expect(done).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  await send(alice.name, bob.name, ['later'])
  await expect.poll(() => other.texts).toEqual(['later'])
  expect(ended.map(({ texts }) => texts)).toEqual([[], []])
  await other.stream.return()
})

it('lets a stream that was behind catch up alone, then share again', async () => {
  const [alice, bob] = [await newUser(), await newUser()]
  const { cursor } = await admin.as(bob.name).events.pull()
  await send(alice.name, bob.name, ['missed'])
  const connections = countConnections()
  const live = await follow(openTab(bob.name, connections))
  const behind = await follow(openTab(bob.name, connections), { cursor })
  await expect.poll(() => behind.texts).toEqual(['missed'])
  expect(connections.opened).toBe(2)
  await send(alice.name, bob.name, ['common'])
  await expect.poll(() => behind.texts).toEqual(['missed', 'common'])
  await expect.poll(() => connections.count).toBe(1)
  await send(alice.name, bob.name, ['shared'])
  await expect.poll(() => behind.texts).toEqual(['missed', 'common', 'shared'])
  expect(live.texts).toEqual(['common', 'shared'])
  await Promise.all([live.stream.return(), behind.stream.return()])
})

it('keeps a slow reader from delaying or losing events', async () => {
  const COUNT = 1_500
  const at = new Date('2026-01-31T12:00:00.000Z')
  const starts: (string | undefined)[] = []
  async function* transport({ cursor, signal }: EventConnection): AsyncGenerator<EventArrival> {
    starts.push(cursor)
    yield { cursor: cursor ?? '0' }
    for (let id = Number(cursor ?? 0) + 1; id <= COUNT; id += 1) {
      yield { cursor: `${id}`, event: { id: `${id}`, type: 'resync', conversationId: null, at } }
    }
    await once(signal, 'abort')
  }
  const tab = openTab('anyone', { transport })
  const [fast, slow] = [tab.events(), tab.events()]
  const read = async (stream: EventStream, count: number) => {
    const ids: number[] = []
    while (ids.length < count) ids.push(Number((await stream.next()).value?.id))
    return ids
  }
  const all = Array.from({ length: COUNT }, (_, index) => index + 1)
  const first = slow.next()
  expect(await read(fast, COUNT)).toEqual(all)
  expect(starts).toEqual([undefined])
  expect((await first).value?.id).toBe('1')
  expect(await read(slow, COUNT - 1)).toEqual(all.slice(1))
  // It read what it had missed over a connection of its own.
  expect(starts).toEqual([undefined, '1'])
  await Promise.all([fast.return(), slow.return()])
})

it('opens a stream of its own for other events', async () => {
  const [alice, bob] = [await newUser(), await newUser()]
  await send(alice.name, bob.name, ['first'])
  const connections = countConnections()
  const tab = openTab(bob.name, connections)
  const shared = await follow(tab)
  const statuses: StreamStatus[] = []
  const watching = tab.events({ presence: [alice.name], onStatus: (status) => void statuses.push(status) })
  expect((await watching.next()).value).toMatchObject({ type: 'presence.changed', userId: alice.id })
  expect(connections.count).toBe(2)
  await Promise.all([watching.return(), shared.stream.return()])
})
