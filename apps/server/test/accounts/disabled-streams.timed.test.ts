import { basic, dialects, openSse, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
/** The time within which streams must end, in milliseconds. */
const END_MS = 2_000

describe.each(dialects)('a disabled user on %s', (using) => {
  test('loses all streams within two seconds', async () => {
    await using server = await startServer(using)
    await server.client.users.create({ username: 'alice', password })
    const { token } = await server.client.sessions.create({ username: 'alice', password })
    const url = `${server.url}/v1/events`
    const streams = [
      await openSse(url, { authorization: `Bearer ${token}` }),
      await openSse(url, { authorization: basic('alice', password) }),
    ]
    const before = performance.now()
    await server.client.users.setDisabled({ user: 'alice', disabled: true })
    for (const stream of streams) await stream.ended
    expect(performance.now() - before).toBeLessThan(END_MS)
  })
})
