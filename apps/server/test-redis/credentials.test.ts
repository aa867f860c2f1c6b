import { setTimeout as wait } from 'node:timers/promises'
import { createClient, SottoError, type StreamStatus } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { describe, expect, test } from 'vitest'
import { type Redis, startRedis } from './redis.ts'

const PASSWORD = 'correct horse battery staple'
/** How soon a stream must end once its credentials are no longer valid. */
const END_MS = 2_000

/** What Redis does during a test. */
const conditions = {
  'is available': async () => {},
  hangs: async (redis: Redis) => redis.pause(),
  'is down': (redis: Redis) => redis.kill(),
}

describe.each(Object.keys(conditions) as (keyof typeof conditions)[])('while Redis %s', (condition) => {
  test('streams end within two seconds of another server revoking their credentials', {
    timeout: 60_000,
  }, async () => {
    await using redis = await startRedis()
    await using first = await createTestServer({
      using: 'postgres',
      users: ['alice', { username: 'bob', password: PASSWORD }, { username: 'carol', password: PASSWORD }],
      settings: { redisUrl: redis.url },
    })
    await using second = await first.another()
    const signIn = async (username: string) =>
      (await first.client.sessions.create({ username, password: PASSWORD })).token ?? ''
    const key = await first.client.keys.create({ name: 'to be revoked', scopes: ['read'] })
    const [signedOut, reset, disabled] = [await signIn('bob'), await signIn('bob'), await signIn('carol')]
    const streams = {
      key: await streamOf(second, key.key, 'alice'),
      signedOut: await streamOf(second, signedOut),
      reset: await streamOf(second, reset),
      disabled: await streamOf(second, disabled),
    }
    await using unaffected = await streamOf(second, second.serviceKey, 'alice')
    await conditions[condition](redis)

    const endings: [keyof typeof streams, () => Promise<unknown>][] = [
      ['key', () => first.client.keys.revoke({ keyId: key.id })],
      [
        'signedOut',
        () => createClient({ url: first.url, token: signedOut, fetch: first.fetch }).sessions.end(),
      ],
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
    // Streams with valid credentials stay open.
    await wait(END_MS / 2)
    expect(unaffected.hasEnded).toBe(false)
    if (condition === 'hangs') redis.resume()
  })
})

/** Reads events until an error or disposal. `ended` resolves to the code of the error. */
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
