import { dialects, type ReceivedEvent, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/** More events than a replay reads from the log at a time. */
const MISSED = 800

/** Makes a chosen statement fail after it ran, like a connection that breaks before the response arrives. */
function faultyDatabase() {
  let pattern: RegExp | undefined
  let left = 0
  let failures = 0
  return {
    get failures() {
      return failures
    },
    /** Makes only the nth matching statement from now on fail. */
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

/** How the tail reads the log. */
const READS_LOG = /^select .* from "events" where .*> .* limit/s
/** How a replay reads what a user missed: first how much, then page by page. */
const READS_MISSED = /join "events" on/
/** How the messages of events are read. */
const READS_MESSAGES = /from "messages" as "m" .*(json_each|any\()/s

const open = {
  'Server-Sent Events': (server: RunningServer, cursor: string) => server.sse('bob', '', cursor),
  WebSocket: (server: RunningServer, cursor: string) => server.ws('bob', {}, cursor),
}

describe.each(dialects)('while the database fails, on %s', (using) => {
  test.each(Object.keys(open) as (keyof typeof open)[])(
    'an interrupted replay over %s resumes without gaps or duplicates',
    { timeout: 60_000 },
    async (transport) => {
      const database = faultyDatabase()
      await using server = await startServer(using, {
        users: ['alice', 'bob'],
        overrides: { onStatement: database.onStatement },
      })
      await server.send('alice', 'bob', 'first')
      await using begin = await server.sse('bob')
      let { cursor } = begin
      begin.close()
      for (let i = 0; i < MISSED; i++) await server.send('alice', 'bob', `${i}`)

      const received: ReceivedEvent[] = []
      // Fails while checking the cursor, reading a page of the log, and reading the messages of a batch.
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
        // An early failure can close the connection before the first block.
        await using stream = await open[transport](server, cursor).catch(() => undefined)
        await stream?.ended
        expect(database.failures, `${statement} ${nth}`).toBe(before + 1)
        received.push(...(stream?.inbox.received ?? []))
        cursor = received.at(-1)?.cursor ?? cursor
      }
      await using stream = await open[transport](server, cursor)
      await stream.inbox.untilText(`${MISSED - 1}`, 20_000)
      received.push(...stream.inbox.received)
      expect(textsOf(received)).toEqual(Array.from({ length: MISSED }, (_, i) => `${i}`))
      expect(new Set(received.map(({ event }) => event.id)).size).toBe(received.length)
      expect(received.filter(({ event }) => event.type === 'resync')).toEqual([])
    },
  )

  test('open streams stay connected and receive every event once', {
    timeout: 30_000,
  }, async () => {
    const database = faultyDatabase()
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      overrides: { onStatement: database.onStatement },
    })
    await server.send('alice', 'bob', 'first')
    await using sse = await server.sse('bob')
    await using ws = await server.ws('bob')
    // Fails a read of the log, then a read of messages, while events are being sent.
    for (const [round, statement] of [READS_LOG, READS_MESSAGES].entries()) {
      const sent = Array.from({ length: 30 }, (_, i) => `${round} ${i}`)
      database.failAt(2, statement)
      await Promise.all(sent.map((text) => server.send('alice', 'bob', text).catch(() => undefined)))
      await server.send('alice', 'bob', `${round} last`)
      for (const { inbox } of [sse, ws]) {
        await inbox.untilText(`${round} last`, 5_000)
        expect(new Set(inbox.events.map(({ id }) => id)).size).toBe(inbox.events.length)
      }
    }
    expect(database.failures).toBe(2)
    const { items } = await server.client.messages.list({ between: ['alice', 'bob'], limit: 200 })
    const stored = items.map(({ text }) => text).reverse()
    expect(stored.length).toBeGreaterThan(60)
    expect(sse.inbox.texts).toEqual(stored.slice(1))
    expect(ws.inbox.texts).toEqual(stored.slice(1))
  })
})

function textsOf(received: readonly ReceivedEvent[]): (string | null)[] {
  return received.flatMap(({ event }) => (event.type === 'message.created' ? [event.message.text] : []))
}
