import { describe, expect, test } from 'vitest'
import { createTestServer } from '../src/index.ts'

describe.each(['sqlite', 'postgres'] as const)('createTestServer on %s', (using) => {
  test('creates users, and has clients and separate data', async () => {
    await using server = await createTestServer({
      using,
      users: ['alice', { username: 'bob', displayName: 'Bob' }],
    })
    await using other = await createTestServer({ using })

    const sent = await server.as('alice').messages.send({ to: 'bob', text: 'hi' })
    const { items } = await server.as('bob').direct.messages({ user: 'alice' })

    expect(items.map((message) => [message.id, message.text, message.sender])).toEqual([
      [sent.id, 'hi', 'alice'],
    ])
    expect((await server.client.users.list()).items.map((user) => user.displayName)).toEqual([null, 'Bob'])
    expect((await other.client.users.list()).items).toEqual([])
  })

  test('uses the time and ids that a test sets', async () => {
    await using server = await createTestServer({ using, users: ['alice'] })
    const id = '019c13a0-0000-7000-8000-00000000000b'
    server.clock.set('2030-01-01T00:00:00.000Z')
    server.giveIds(id)

    const bob = await server.client.users.create({ username: 'bob' })
    server.clock.advance(1_500)
    const message = await server.as('bob').messages.send({ to: 'alice', text: 'late' })

    expect(bob).toMatchObject({ id, createdAt: new Date('2030-01-01T00:00:00.000Z') })
    expect(message.createdAt).toEqual(new Date('2030-01-01T00:00:01.500Z'))
  })
})

test('another() starts a server on the same PostgreSQL database', async () => {
  await using first = await createTestServer({ using: 'postgres', users: ['alice', 'bob'] })
  await using second = await first.another()

  await first.as('alice').messages.send({ to: 'bob', text: 'from the first' })
  const { items } = await second.as('bob').direct.messages({ user: 'alice' })

  expect(items.map((message) => message.text)).toEqual(['from the first'])
})
