import { getEventListeners } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { store } from '@sotto/db'
import { dialects, type RunningServer, startServer } from '@sotto/testing/internal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogPoint } from '../../src/realtime/event-cursor.ts'
import { Replay } from '../../src/realtime/replay.ts'
import { Subscription } from '../../src/realtime/subscription.ts'
import { WriteTurns } from '../../src/realtime/write-turns.ts'

type Parts = [kind: string, epoch: string, owner: string, xid: string, id: number, at: number]

function partsOf(cursor: string): Parts {
  return JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Parts
}

function cursorOf(parts: Parts): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

interface Page {
  items: { id: string; type: string }[]
  cursor: string
}

const MAX_XID = '18446744073709551615'
const DAY_MS = 86_400_000

/** Positions that no server issues: beyond the log, or the start of the log in a transaction. */
function forgedFrom(honest: string): string[] {
  const [kind, epoch, owner, xid, id] = partsOf(honest)
  const now = Date.now()
  return [
    cursorOf([kind, epoch, owner, MAX_XID, 0, now]),
    cursorOf([kind, epoch, owner, MAX_XID, Number.MAX_SAFE_INTEGER, now]),
    cursorOf([kind, epoch, owner, xid, Number.MAX_SAFE_INTEGER, now]),
    cursorOf([kind, epoch, owner, String(BigInt(xid) + 1n), 0, now]),
    cursorOf([kind, epoch, owner, String(BigInt(xid) + 1n), id, now]),
  ]
}

async function pull(server: RunningServer, as: string, cursor: string, seconds: number): Promise<Page> {
  const query = new URLSearchParams({ cursor, wait: String(seconds) })
  return server.call<Page>(as, 'GET', `/v1/events/pull?${query}`)
}

async function pullOverRpc(server: RunningServer, as: string, cursor: string): Promise<string[]> {
  const input = encodeURIComponent(JSON.stringify({ json: { cursor, wait: 1 } }))
  const response = await server.fetch(`/trpc/events.pull?input=${input}`, { headers: server.headers(as) })
  const { result } = (await response.json()) as { result: { data: { json: Page } } }
  return result.data.json.items.map(({ type }) => type)
}

describe.each(dialects)('forged event cursors on %s', (using) => {
  test('beyond the log lead to resync on every transport, and no stream stays open', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    await server.send('alice', 'bob', 'first')
    const begin = await server.sse('bob')
    begin.close()
    for (const cursor of forgedFrom(begin.cursor)) {
      expect((await pull(server, 'bob', cursor, 1)).items.map(({ type }) => type)).toEqual(['resync'])
      expect(await pullOverRpc(server, 'bob', cursor)).toEqual(['resync'])
      for (const open of [() => server.sse('bob', '', cursor), () => server.ws('bob', {}, cursor)]) {
        await using stream = await open()
        await stream.inbox.until(() => stream.inbox.received.length > 0)
        expect(stream.inbox.types).toEqual(['resync'])
      }
    }
    await expect.poll(() => server.app.events.streamCount).toBe(0)
  })

  test('cost no more and reveal no more than the oldest honest cursor', async () => {
    const statements: string[] = []
    await using server = await startServer(using, {
      users: ['alice', 'bob', 'carol'],
      overrides: { onStatement: (sql) => void statements.push(sql) },
    })
    const start = await server.sse('bob')
    const { cursor: oldest } = start
    for (let i = 0; i < 5; i++) {
      await server.send('alice', 'bob', `${i}`)
      await server.send('alice', 'carol', 'not for bob')
    }
    await start.inbox.untilText('4')
    start.close()
    // Waits for the delivery receipts of these messages, which are events too.
    await wait(1_200)
    const issued = [oldest, ...start.inbox.received.flatMap(({ cursor }) => cursor ?? [])].map(partsOf)
    const countOf = async (cursor: string) => {
      const before = statements.filter((sql) => /events|messages/.test(sql)).length
      const page = await pull(server, 'bob', cursor, 0)
      return { page, cost: statements.filter((sql) => /events|messages/.test(sql)).length - before }
    }
    // Keeps the tail reading, so that its start is not counted.
    await using _open = await server.sse('bob')
    const counted = [await countOf(oldest), await countOf(oldest), await countOf(oldest)]
    const [honest = expect.fail()] = counted.toSorted((a, b) => a.cost - b.cost)
    const visible = new Set(honest.page.items.map(({ id }) => id))
    expect(visible.size).toBeGreaterThan(5)

    const one = fc.constantFrom(...issued)
    const forged = fc
      .record({
        epoch: fc.oneof({ weight: 4, arbitrary: one.map(([, epoch]) => epoch) }, fc.constant('other')),
        owner: one.map(([, , owner]) => owner),
        xid: fc.oneof(
          one.map(([, , , xid]) => xid),
          fc.constantFrom('0', '1', MAX_XID),
          fc.bigInt({ min: 0n, max: 2n ** 64n }).map(String),
        ),
        id: fc.oneof(
          one.map(([, , , , id]) => id),
          fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER),
          fc.nat({ max: 100 }),
        ),
        at: fc.oneof(
          one.map(([, , , , , at]) => at),
          fc.constantFrom(0, Date.now(), Date.now() + 365 * DAY_MS, 8.64e15, Number.MAX_SAFE_INTEGER),
        ),
      })
      .map(({ epoch, owner, xid, id, at }) => cursorOf(['events', epoch, owner, xid, id, at]))
    await fc.assert(
      fc.asyncProperty(forged, async (cursor) => {
        const timeout = new AbortController()
        const outcome = await Promise.race([
          countOf(cursor).catch((error: unknown) => String(error)),
          wait(5_000, 'waits' as const, { signal: timeout.signal }).catch(() => 'waits' as const),
        ])
        timeout.abort()
        if (typeof outcome === 'string') {
          expect(outcome).toContain('INVALID_CURSOR')
          return
        }
        // The tail polls the log meanwhile, so a single count may include one of its reads.
        const counts = [outcome.cost]
        while (Math.min(...counts) > honest.cost && counts.length < 3)
          counts.push((await countOf(cursor)).cost)
        expect(Math.min(...counts)).toBeLessThanOrEqual(honest.cost)
        const hidden = outcome.page.items.filter(({ id, type }) => type !== 'resync' && !visible.has(id))
        // The log may hold events of before the first cursor, which are bob's own.
        for (const { id } of hidden) expect(Number(id)).toBeLessThanOrEqual(issued[0]?.[4] ?? 0)
      }),
      { numRuns: 150, seed: 12 },
    )
  })

  test('a position ahead of the log’s reader is waited for no longer than the wait or the connection', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const { app } = server
    await using begin = await server.sse('bob')
    await server.send('alice', 'bob', 'first')
    await begin.inbox.untilText('first')
    const { cursor } = begin
    const [, epoch, userId, xid, id, at] = partsOf(cursor)
    const ahead: LogPoint = { epoch, position: { xid, id }, at: new Date(at) }
    // Like a server whose database stopped responding to the reader of the log.
    const tail = { end: { epoch, position: { xid: '0', id: 0 }, at: ahead.at }, hint() {} }
    const host = { turns: new WriteTurns(), cursorNow: () => cursor, onWritten() {}, onEnd() {} }
    const open = () =>
      new Subscription(host, {
        userId,
        conversationId: undefined,
        streamId: undefined,
        watched: undefined,
        cursor,
        replay: new Replay(
          {
            db: app.db,
            now: app.now,
            tail,
            retentionMs: DAY_MS,
            loadConversations: async () => () => undefined,
          },
          { userId, conversationId: undefined, from: ahead },
        ),
        onEnd: undefined,
      })
    expect(await store.eventLog.findTime(app.db, ahead.position)).toEqual(ahead.at)

    const waiting = open()
    expect(await waiting.take(AbortSignal.timeout(50))).toBeUndefined()
    expect(waiting.cursor).toBe(cursor)

    const connection = new AbortController()
    const connected = open()
    connected.endWith(connection.signal)
    const taken = connected.take()
    connection.abort()
    expect(await taken).toBeUndefined()
    expect(connected.hasEnded).toBe(true)

    const longLived = new AbortController()
    for (let i = 0; i < 3; i++) {
      const polled = open()
      polled.endWith(longLived.signal)
      polled.end()
    }
    expect(getEventListeners(longLived.signal, 'abort')).toEqual([])
  })
})

test('a long poll over WebSocket ends with its connection', async () => {
  await using server = await startServer('sqlite', { users: ['bob'] })
  const { cursor } = await server.call<Page>('bob', 'GET', '/v1/events/pull')
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/trpc?connectionParams=1`)
  socket.addEventListener('open', () => {
    const data = { authorization: `Bearer ${server.serviceKey}`, actAs: 'bob' }
    socket.send(JSON.stringify({ method: 'connectionParams', data }))
    const params = { path: 'events.pull', input: { json: { cursor, wait: 30 } } }
    socket.send(JSON.stringify({ id: 1, method: 'query', params }))
  })
  await expect.poll(() => server.app.events.streamCount).toBe(1)
  socket.close()
  await expect.poll(() => server.app.events.streamCount).toBe(0)
})
