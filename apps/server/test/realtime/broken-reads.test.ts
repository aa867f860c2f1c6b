import { dialects, type ReceivedEvent, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test, vi } from 'vitest'

/** More than a page of what a replay reads from the log at a time. */
const MISSED = 800
/** The poll's second, and what a loaded machine adds to it. */
const POLL_MS = 1_600

/** A database that fails when it is told to: after a statement, as a connection that breaks before the answer does. */
function faultyDatabase() {
  let pattern: RegExp | undefined
  let left = 0
  let failures = 0
  return {
    get failures() {
      return failures
    },
    /** The nth statement from now that is like this fails, and only that one. */
    failAt(nth: number, statement: RegExp) {
      pattern = statement
      left = nth
    },
    onStatement(text: string) {
      if (!pattern?.test(text) || --left > 0) return
      pattern = undefined
      failures++
      throw Object.assign(new Error('the connection to the database broke'), { code: 'ECONNRESET' })
    },
  }
}

/** The tail's own look at the log. */
const READS_LOG = /^select .* from "events" where .*> .* limit/s
/** What a user has missed: how much, then a page of it, then the next. */
const READS_MISSED = /join "events" on/
/** What rows of the log point to. */
const READS_MESSAGES = /from "messages" as "m" .*(json_each|any\()/s

const open = {
  'Server-Sent Events': (world: RunningServer, cursor: string) => world.sse('bob', '', cursor),
  WebSocket: (world: RunningServer, cursor: string) => world.ws('bob', {}, cursor),
}

describe.each(dialects)('while the database fails, on %s', (using) => {
  test.each(Object.keys(open) as (keyof typeof open)[])(
    'a long replay over %s that breaks off goes on without a gap, and with nothing twice',
    { timeout: 60_000 },
    async (transport) => {
      const database = faultyDatabase()
      await using world = await startServer(using, {
        users: ['alice', 'bob'],
        overrides: { onStatement: database.onStatement },
      })
      await world.send('alice', 'bob', 'first')
      await using begin = await world.sse('bob')
      let { cursor } = begin
      begin.close()
      for (let i = 0; i < MISSED; i++) await world.send('alice', 'bob', `${i}`)

      const received: ReceivedEvent[] = []
      // While it is looked whether the cursor can be continued, in a page of the log, and in the messages of a part.
      for (const [nth, statement] of [
        [1, READS_MISSED],
        [2, READS_MISSED],
        [3, READS_MISSED],
        [1, READS_MESSAGES],
        [2, READS_MESSAGES],
        [3, READS_MESSAGES],
      ] as const) {
        const before = database.failures
        database.failAt(nth, statement)
        // What fails at once can break the connection off before it has said anything.
        await using stream = await open[transport](world, cursor).catch(() => undefined)
        await stream?.ended
        expect(database.failures, `${statement} ${nth}`).toBe(before + 1)
        received.push(...(stream?.inbox.received ?? []))
        cursor = received.at(-1)?.cursor ?? cursor
      }
      await using stream = await open[transport](world, cursor)
      await stream.inbox.untilText(`${MISSED - 1}`, 20_000)
      received.push(...stream.inbox.received)
      expect(textsOf(received)).toEqual(Array.from({ length: MISSED }, (_, i) => `${i}`))
      expect(new Set(received.map(({ event }) => event.id)).size).toBe(received.length)
      expect(received.filter(({ event }) => event.type === 'resync')).toEqual([])
    },
  )

  test('who streams misses nothing, gets nothing twice, and stays connected', {
    timeout: 30_000,
  }, async () => {
    const database = faultyDatabase()
    await using world = await startServer(using, {
      users: ['alice', 'bob'],
      overrides: { onStatement: database.onStatement },
    })
    await world.send('alice', 'bob', 'first')
    await using sse = await world.sse('bob')
    await using ws = await world.ws('bob')
    // A read of the log itself, and of what its rows point to, in the middle of what is handed on.
    for (const [round, statement] of [READS_LOG, READS_MESSAGES].entries()) {
      const sent = Array.from({ length: 30 }, (_, i) => `${round} ${i}`)
      database.failAt(2, statement)
      await Promise.all(sent.map((text) => world.send('alice', 'bob', text).catch(() => undefined)))
      await world.send('alice', 'bob', `${round} last`)
      for (const { inbox } of [sse, ws]) {
        await inbox.untilText(`${round} last`, 5_000)
        expect(new Set(inbox.events.map(({ id }) => id)).size).toBe(inbox.events.length)
      }
    }
    expect(database.failures).toBe(2)
    const { items } = await world.client.messages.list({ between: ['alice', 'bob'], limit: 200 })
    const stored = items.map(({ text }) => text).reverse()
    expect(stored.length).toBeGreaterThan(60)
    expect(sse.inbox.texts).toEqual(stored.slice(1))
    expect(ws.inbox.texts).toEqual(stored.slice(1))
  })
})

describe.each(dialects)('hints that are lost on %s', (using) => {
  test('cost no event, and no more than the poll', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    // On PostgreSQL the event is written by another server, whose NOTIFY is lost on the way.
    await using reader = using === 'postgres' ? await world.another() : world
    await world.send('alice', 'bob', 'first')
    await using bob = await reader.sse('bob')
    const { events } = reader.app
    const hint = vi.spyOn(events, 'hint').mockImplementation(() => {})
    for (let i = 0; i < 3; i++) {
      const before = performance.now()
      await world.send('alice', 'bob', `${i}`)
      await bob.inbox.untilText(`${i}`, 5_000)
      expect(performance.now() - before).toBeLessThan(POLL_MS)
    }
    expect(hint.mock.calls.length).toBeGreaterThanOrEqual(3)
    expect(bob.inbox.texts).toEqual(['0', '1', '2'])
    hint.mockRestore()
  })
})

function textsOf(received: readonly ReceivedEvent[]): (string | null)[] {
  return received.flatMap(({ event }) => (event.type === 'message.created' ? [event.message.text] : []))
}
