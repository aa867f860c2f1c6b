import { setTimeout as wait } from 'node:timers/promises'
import { createClient, SottoError, type StreamStatus } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { describe, expect, test } from 'vitest'
import { type Redis, startRedis } from './redis.ts'

const PASSWORD = 'correct horse battery staple'
/** By when a stream has ended that may not go on, in milliseconds. */
const END_MS = 2_000

/** What a Redis can do to those who rely on it. */
const trouble = {
  'is there': async () => {},
  hangs: async (redis: Redis) => redis.pause(),
  'was killed': (redis: Redis) => redis.kill(),
}

describe.each(Object.keys(trouble) as (keyof typeof trouble)[])('while the Redis %s', (what) => {
  test('streams of one server end within two seconds of what another one has ended', {
    timeout: 60_000,
  }, async () => {
    await using redis = await startRedis()
    await using first = await createTestServer({
      using: 'postgres',
      users: ['alice', { username: 'bob', password: PASSWORD }, { username: 'carol', password: PASSWORD }],
      settings: { redisUrl: redis.url },
    })
    await using second = await first.another()
    const logIn = async (username: string) =>
      (await first.client.sessions.create({ username, password: PASSWORD })).token ?? ''
    const key = await first.client.keys.create({ name: 'to be revoked', scopes: ['read'] })
    const [left, reset, disabled] = [await logIn('bob'), await logIn('bob'), await logIn('carol')]
    const streams = {
      key: await streamOf(second, key.key, 'alice'),
      left: await streamOf(second, left),
      reset: await streamOf(second, reset),
      disabled: await streamOf(second, disabled),
    }
    await using stays = await streamOf(second, second.serviceKey, 'alice')
    await trouble[what](redis)

    const endings: [keyof typeof streams, () => Promise<unknown>][] = [
      ['key', () => first.client.keys.revoke({ keyId: key.id })],
      ['left', () => createClient({ url: first.url, token: left, fetch: first.fetch }).sessions.end()],
      ['reset', () => first.client.passwords.set({ user: 'bob', newPassword: 'battery staple' })],
      ['disabled', () => first.client.users.setDisabled({ user: 'carol', disabled: true })],
    ]
    for (const [name, end] of endings) {
      expect(streams[name].hasEnded, name).toBe(false)
      await end()
      const before = performance.now()
      expect(await streams[name].ended, name).toBe('UNAUTHENTICATED')
      expect(performance.now() - before, name).toBeLessThan(END_MS)
    }
    // Nor does it take those along that may go on.
    await wait(END_MS / 2)
    expect(stays.hasEnded).toBe(false)
    if (what === 'hangs') redis.resume()
  })
})

/** Streams until it is refused or disposed. `ended` is the code of the error that ended it. */
async function streamOf(server: TestServer, token: string, as?: string) {
  const stop = new AbortController()
  const connected = Promise.withResolvers<void>()
  const bearer = createClient({ url: server.url, token, fetch: server.fetch, events: { maxBackoffMs: 20 } })
  const client = as === undefined ? bearer : bearer.as(as)
  let hasEnded = false
  const ended = (async () => {
    try {
      const onStatus = (status: StreamStatus) => status === 'connected' && connected.resolve()
      for await (const _event of client.events({ signal: stop.signal, onStatus }));
      return 'no error'
    } catch (error) {
      if (error instanceof SottoError) return error.code
      throw error
    } finally {
      hasEnded = true
      connected.resolve()
    }
  })()
  await connected.promise
  return {
    ended,
    get hasEnded() {
      return hasEnded
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}
