// A test in a project that has installed the package. package.test.ts type-checks and runs it outside this repository.
import { createTestServer } from '@sotto/testing'
import { describe, expect, test } from 'vitest'

const databases = process.env.SOTTO_TEST_POSTGRES_URL
  ? (['sqlite', 'postgres'] as const)
  : ['sqlite' as const]

describe.each(databases)('on %s', (using) => {
  test('bob receives a message from alice', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })

    const sent = await server.as('alice').messages.send({ to: 'bob', text: 'hi' })

    const { items } = await server.as('bob').direct.messages({ user: 'alice' })
    expect(items.map(({ id, text }) => ({ id, text }))).toEqual([{ id: sent.id, text: 'hi' }])
    expect(sent.createdAt).toBeInstanceOf(Date)
  })

  test('plain HTTP requests work', async () => {
    await using server = await createTestServer({ using })
    server.clock.set('2030-01-01T00:00:00.000Z')

    const response = await server.fetch('/v1/users', {
      method: 'POST',
      headers: { authorization: `Bearer ${server.serviceKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'alice' }),
    })

    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({ username: 'alice', createdAt: '2030-01-01T00:00:00.000Z' })
  })
})
