import { openSse, startServer } from '@sotto/testing/internal'
import { describe, expect, it } from 'vitest'

describe.each(['sqlite', 'postgres'] as const)('watching more users on %s', (using) => {
  it('reports the presence of users who share a conversation, on the stream with the id only', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'carol', 'dave'] })
    const alice = server.client.as('alice')
    for (const to of ['bob', 'carol']) await alice.messages.send({ to, text: 'hi' })
    const idOf = async (user: string) => (await server.client.users.get({ user })).id
    const [bob, carol] = [await idOf('bob'), await idOf('carol')]
    await using stream = await openSse(
      `${server.url}/v1/events?streamId=a&presence=bob`,
      server.headers('alice'),
    )
    await using other = await openSse(`${server.url}/v1/events?streamId=b`, server.headers('alice'))
    await using foreign = await openSse(`${server.url}/v1/events?streamId=a`, server.headers('dave'))
    const presences = ({ inbox }: typeof stream) =>
      inbox.events.flatMap((event) =>
        event.type === 'presence.changed' ? [[event.userId, event.online]] : [],
      )
    await expect.poll(() => presences(stream)).toEqual([[bob, false]])

    const presence = ['carol', 'dave', 'nobody']
    expect(await alice.events.watch({ streamId: 'a', presence })).toEqual({ found: true })
    await expect
      .poll(() => presences(stream))
      .toEqual([
        [bob, false],
        [carol, false],
      ])
    {
      await using _ = await openSse(`${server.url}/v1/events`, server.headers('carol'))
      await expect.poll(() => presences(stream).at(-1)).toEqual([carol, true])
    }
    expect(presences(other)).toEqual([])
    expect(presences(foreign)).toEqual([])
    expect(await alice.events.watch({ streamId: 'unknown', presence })).toEqual({ found: false })
  })
})

it('stops watching those who were added first beyond 200 users', async () => {
  await using server = await startServer('sqlite', { users: ['alice'] })
  const alice = server.client.as('alice')
  const users = await Promise.all(
    Array.from({ length: 203 }, (_, index) => server.client.users.create({ username: `user${index}` })),
  )
  const ids = users.map(({ id }) => id)
  await alice.conversations.create({ name: 'a', participants: ids.slice(0, 203) })
  const { id: aliceId } = await alice.users.me()
  const stream = await server.app.events.subscribe({
    userId: aliceId,
    streamId: 's',
    watched: new Set(ids.slice(0, 200)),
  })
  await alice.events.watch({ streamId: 's', presence: [ids[0] ?? '', ...ids.slice(200)] })
  expect([...(stream.watched ?? [])]).toEqual([...ids.slice(4, 200), ids[0], ...ids.slice(200)])
  stream.end()
})
