import { createTestServer, type TestServer } from '@sotto/testing'
import { describe, expect, test } from 'vitest'
import { redisKeys, startRedis } from './redis.ts'

const SETTLED_MS = 2 * 60_000

describe('an erased user', () => {
  test('leaves nothing in Redis', { timeout: 60_000 }, async () => {
    await using redis = await startRedis()
    await using server = await createTestServer({
      using: 'postgres',
      users: ['alice', 'bob'],
      settings: { redisUrl: redis.url },
    })
    const { id } = await server.client.users.get({ user: 'alice' })
    await server.as('alice').messages.send({ to: 'bob', text: 'hello' })
    await streamOnce(server, 'alice')
    await expect
      .poll(async () => (await redisKeys(redis.url)).filter((key) => key.includes(id)), { timeout: 20_000 })
      .toEqual([`sotto:seen:${id}`])

    await server.client.users.erase({ user: 'alice' })
    await expect
      .poll(
        async () => {
          server.clock.advance(SETTLED_MS)
          return (await server.client.audit.list({ action: 'user.erased' })).items.length
        },
        { timeout: 20_000, interval: 250 },
      )
      .toBe(1)
    expect((await redisKeys(redis.url)).filter((key) => key.includes(id) || key.includes('alice'))).toEqual(
      [],
    )
  })
})

/** Opens and closes a stream. */
async function streamOnce(server: TestServer, user: string): Promise<void> {
  const stop = new AbortController()
  const events = server.as(user).events({
    signal: stop.signal,
    onStatus: (status) => status === 'connected' && stop.abort(),
  })
  for await (const _event of events) break
}
