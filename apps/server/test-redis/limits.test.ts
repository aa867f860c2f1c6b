import { createTestServer, type TestServer } from '@sotto/testing'
import { expect, test } from 'vitest'
import { type Redis, startRedis } from './redis.ts'

const PASSWORD = 'correct horse battery staple'
/** Slow enough that nothing comes back while a test runs. */
const RATE = { count: 4, seconds: 3_600 }

test('two servers with a Redis share a limit', async () => {
  await using redis = await startRedis()
  await using servers = await startTwo(redis)
  const [first, second] = servers.both
  await untilShared(servers.both, await logIn(first))

  const bob = await logIn(first, 'bob')
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) {
    statuses.push(await read(first, bob), await read(second, bob))
  }
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
})

test('without Redis each server limits by itself, at once and without failing', {
  timeout: 30_000,
}, async () => {
  await using redis = await startRedis()
  await using servers = await startTwo(redis)
  const [first, second] = servers.both
  await untilShared(servers.both, await logIn(first))

  const bob = await logIn(first, 'bob')
  await redis.kill()
  for (const server of [first, second]) {
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push(await read(server, bob))
    expect(statuses).toEqual([200, 200, 200, 200, 429])
  }
})

test('a Redis that hangs holds up a request for a moment, and those after it not at all', async () => {
  await using redis = await startRedis()
  await using servers = await startTwo(redis)
  const [first] = servers.both
  await untilShared(servers.both, await logIn(first))

  const bob = await logIn(first, 'bob')
  expect(await read(first, bob)).toBe(200)
  redis.pause()
  const took: number[] = []
  for (let i = 0; i < 3; i++) {
    const before = performance.now()
    expect(await read(first, bob)).toBe(200)
    took.push(performance.now() - before)
  }
  redis.resume()
  expect(took[0]).toBeGreaterThan(90)
  expect(took[0]).toBeLessThan(400)
  expect(Math.max(...took.slice(1))).toBeLessThan(90)
})

async function startTwo(redis: Redis) {
  const stack = new AsyncDisposableStack()
  const first = stack.use(
    await createTestServer({
      using: 'postgres',
      users: ['alice', 'bob'].map((username) => ({ username, password: PASSWORD })),
      settings: { redisUrl: redis.url, limits: { reads: RATE, writes: { count: 1_000, seconds: 3_600 } } },
    }),
  )
  const both = [first, stack.use(await first.another())] as const
  return { both, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function logIn(server: TestServer, username = 'alice'): Promise<string> {
  const { token } = await server.client.sessions.create({ username, password: PASSWORD })
  return `Bearer ${token}`
}

async function read(server: TestServer, authorization: string): Promise<number> {
  const { status } = await server.fetch('/v1/users/alice', { headers: { authorization } })
  return status
}

/** Until both are connected each of them counts alone: waits until one sees what the other has counted. */
async function untilShared(servers: readonly [TestServer, TestServer], authorization: string): Promise<void> {
  const remaining = async (server: TestServer) => {
    const { headers } = await server.fetch('/v1/users/alice', {
      method: 'PATCH',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"displayName":"Alice"}',
    })
    return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1])
  }
  await expect.poll(async () => (await remaining(servers[0])) - (await remaining(servers[1]))).toBe(1)
}
