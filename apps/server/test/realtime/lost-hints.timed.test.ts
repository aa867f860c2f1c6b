import { dialects, startServer } from '@sotto/testing/internal'
import { describe, expect, test, vi } from 'vitest'

/** The poll interval of one second, and a margin for a busy machine. */
const POLL_MS = 1_600

describe.each(dialects)('lost hints on %s', (using) => {
  test('lose no event, and delay it by at most one poll', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    // On PostgreSQL another server writes the event, and its NOTIFY is lost.
    await using reader = using === 'postgres' ? await server.another() : server
    await server.send('alice', 'bob', 'first')
    await using bob = await reader.sse('bob')
    const { events } = reader.app
    const hint = vi.spyOn(events, 'hint').mockImplementation(() => {})
    for (let i = 0; i < 3; i++) {
      const before = performance.now()
      await server.send('alice', 'bob', `${i}`)
      await bob.inbox.untilText(`${i}`, 5_000)
      expect(performance.now() - before).toBeLessThan(POLL_MS)
    }
    expect(hint.mock.calls.length).toBeGreaterThanOrEqual(3)
    expect(bob.inbox.texts).toEqual(['0', '1', '2'])
    hint.mockRestore()
  })
})
