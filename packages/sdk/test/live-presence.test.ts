import type { PresenceState } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { expect, it } from 'vitest'
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
