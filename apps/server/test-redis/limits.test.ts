import { createTestServer, type TestServer } from '@sotto/testing'
import { expect, test } from 'vitest'
import { type Redis, startRedis } from './redis.ts'

const PASSWORD = 'correct horse battery staple'
/** Slow enough that the limit does not recover during a test. */
const RATE = { count: 4, seconds: 3_600 }

test('two servers with Redis share a limit', async () => {
  await using redis = await startRedis()
  await using servers = await startTwo(redis)
  const [first, second] = servers.both
  await untilShared(servers.both, await signIn(first))

  const bob = await signIn(first, 'bob')
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) {
    statuses.push(await read(first, bob), await read(second, bob))
  }
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
})

test('when Redis is down, each server immediately applies the limit on its own', {
  timeout: 30_000,
}, async () => {
  await using redis = await startRedis()
  await using servers = await startTwo(redis)
  const [first, second] = servers.both
  await untilShared(servers.both, await signIn(first))

  const bob = await signIn(first, 'bob')
  await redis.kill()
  for (const server of [first, second]) {
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push(await read(server, bob))
    expect(statuses).toEqual([200, 200, 200, 200, 429])
  }
})

test('when Redis hangs, one request is delayed briefly, and later ones are not', async () => {
  await using redis = await startRedis()
  await using servers = await startTwo(redis)
  const [first] = servers.both
  await untilShared(servers.both, await signIn(first))

  const bob = await signIn(first, 'bob')
  expect(await read(first, bob)).toBe(200)
  redis.pause()
  const durations: number[] = []
  for (let i = 0; i < 3; i++) {
    const before = performance.now()
    expect(await read(first, bob)).toBe(200)
    durations.push(performance.now() - before)
  }
  redis.resume()
  expect(durations[0]).toBeGreaterThan(90)
  expect(durations[0]).toBeLessThan(400)
  expect(Math.max(...durations.slice(1))).toBeLessThan(90)
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

async function signIn(server: TestServer, username = 'alice'): Promise<string> {
  const { token } = await server.client.sessions.create({ username, password: PASSWORD })
  return `Bearer ${token}`
}

async function read(server: TestServer, authorization: string): Promise<number> {
  const { status } = await server.fetch('/v1/users/alice', { headers: { authorization } })
  return status
}

/** Waits until both servers are connected to Redis and count together. */
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
