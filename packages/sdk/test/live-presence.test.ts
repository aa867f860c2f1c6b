import type { Fetch, LivePresence, PresenceState } from '@sotto/sdk'
import { createClient, webSocket } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { startServer } from '@sotto/testing/internal'
import { describe, expect, it } from 'vitest'
import { until } from './support/live.ts'

const isOnline = (state: PresenceState | undefined) => state?.online === true

it('reports the presence of users immediately and on changes, over the shared stream', async () => {
  await using server = await createTestServer({ users: ['alice', 'bob', 'carol', 'dave'] })
  const alice = server.as('alice')
  for (const to of ['bob', 'carol']) await alice.messages.send({ to, text: 'hi' })
  const idOf = async (user: string) => (await server.client.users.get({ user })).id
  await using conversation = alice.conversation('bob').live()
  await until(conversation, ({ isLoaded }) => isLoaded)

  using bob = alice.users.livePresence(await idOf('bob'))
  using carol = alice.users.livePresence(await idOf('carol'))
  using stranger = alice.users.livePresence(await idOf('dave'))
  expect(bob.state).toBeUndefined()
  await until(carol, (state) => state?.online === false)
  await until(bob, (state) => state?.online === false)
  {
    await using _bobs = server.as('bob').conversation('alice').live()
    await until(bob, isOnline)
    // A later view gets the known state immediately.
    using again = alice.users.livePresence(await idOf('bob'))
    expect(again.state).toEqual({ online: true, lastSeenAt: null })
  }
  const gone = await until(bob, (state) => state?.online === false)
  expect(gone?.lastSeenAt).toBeInstanceOf(Date)
  expect(carol.state?.online).toBe(false)
  expect(stranger.state).toBeUndefined()
  await alice.messages.send({ to: 'dave', text: 'hi' })
  await until(stranger, (state) => state?.online === false)

  // The stream reconnected to watch more users without losing events.
  await server.as('bob').messages.send({ to: 'alice', text: 'bye' })
  await until(conversation, ({ messages }) => messages.at(-1)?.text === 'bye')
})

it('keeps working if one of the users does not exist', async () => {
  await using server = await createTestServer({ users: ['alice', 'bob'] })
  const alice = server.as('alice')
  await alice.messages.send({ to: 'bob', text: 'hi' })
  await using conversation = alice.conversation('bob').live()
  await until(conversation, ({ isLoaded }) => isLoaded)
  using bob = alice.users.livePresence((await server.client.users.get({ user: 'bob' })).id)
  await until(bob, (state) => state !== undefined)
  using unknown = alice.users.livePresence('01900000-0000-7000-8000-000000000000')
  await server.as('bob').messages.send({ to: 'alice', text: 'still there' })
  await until(conversation, ({ messages }) => messages.at(-1)?.text === 'still there')
  await until(bob, (state) => state !== undefined)
  expect(unknown.state).toBeUndefined()
  expect(conversation.state.connection).toBe('connected')
})

describe.each(['Server-Sent Events', 'a WebSocket'])('over %s', (transport) => {
  it('watches each row of a long list with one stream', async () => {
    const users = Array.from({ length: 100 }, (_, index) => `user${index}`)
    await using server = await startServer('sqlite')
    const admin = server.client
    const [me, ...others] = await Promise.all(
      ['me', ...users].map((username) => admin.users.create({ username })),
    )
    for (let from = 0; from < others.length; from += 50) {
      const participants = others.slice(from, from + 50).map(({ id }) => id)
      await admin.as('me').conversations.create({ name: 'all', participants })
    }
    const opened: string[] = []
    const fetch: Fetch = (url, init) => {
      if (new URL(url).pathname === '/v1/events') opened.push(url)
      return globalThis.fetch(url, init)
    }
    class CountingWebSocket extends WebSocket {
      constructor(url: string) {
        super(url)
        opened.push(url)
      }
    }
    const events =
      transport === 'a WebSocket' ? { transport: webSocket({ WebSocket: CountingWebSocket }) } : {}
    const client = createClient({ url: server.url, token: server.serviceKey, fetch, events }).as('me')
    await using conversation = client.conversation('user0').live()
    await until(conversation, ({ connection }) => connection === 'connected')
    const rows = new DisposableStack()
    const presences: LivePresence[] = []
    for (const { id } of others) {
      presences.push(rows.use(client.users.livePresence(id)))
      // As a list does that is being scrolled.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await expect.poll(() => presences.filter(({ state }) => state).length).toBe(100)
    using mine = admin.as('user99').conversations.live()
    await until(mine, ({ isLoaded }) => isLoaded)
    await expect.poll(() => presences.at(-1)?.state?.online).toBe(true)
    expect(opened).toHaveLength(1)
    expect(me?.username).toBe('me')
    rows.dispose()
  })
})

// Each with a server of its own: a stream to a server to which another one is still closing uses a WebSocket.
it.each(['has lost the stream', 'does not know the operation'])(
  'watches more users through a server that %s',
  async (what) => {
    await using server = await createTestServer({ users: ['alice', 'bob', 'carol'] })
    const alice = server.as('alice')
    for (const to of ['bob', 'carol']) await alice.messages.send({ to, text: 'hi' })
    const answer =
      what === 'has lost the stream'
        ? Response.json({ found: false })
        : await server.fetch('/v1/events/unknown', { method: 'POST' })
    let streams = 0
    const fetch: Fetch = (url, init) => {
      const { pathname } = new URL(url)
      if (pathname === '/v1/events') streams += 1
      return pathname === '/v1/events/watch' ? Promise.resolve(answer) : server.fetch(url, init)
    }
    const client = createClient({ url: server.url, token: server.serviceKey, fetch }).as('alice')
    await using conversation = client.conversation('bob').live()
    await until(conversation, ({ connection }) => connection === 'connected')
    using carol = client.users.livePresence((await server.client.users.get({ user: 'carol' })).id)
    await until(carol, (state) => state?.online === false)
    expect(streams).toBe(2)
    expect(conversation.state.connection).toBe('connected')
  },
)
