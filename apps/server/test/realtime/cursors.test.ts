import { copyFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { dialects, startServer } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

const DAY_MS = 24 * 60 * 60 * 1_000

function partsOf(cursor: string): unknown[] {
  return JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
}

function cursorOf(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

describe.each(dialects)('cursors on %s', (using) => {
  test('are rejected on every transport if malformed or another user’s', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    await server.send('alice', 'bob', 'first')
    const alice = await server.sse('alice')
    const bob = await server.sse('bob')
    alice.close()
    bob.close()
    const [kind, epoch, owner, , id, at] = partsOf(bob.cursor)
    const invalid = [
      'garbage',
      '%00',
      alice.cursor,
      `${bob.cursor}A`,
      cursorOf([kind, epoch, owner, '99999999999999999999', id, at]),
      cursorOf([kind, epoch, owner, '007', id, at]),
      cursorOf([kind, epoch, owner, '-1', id, at]),
      cursorOf([kind, epoch, owner, '1', -1, at]),
      cursorOf([kind, epoch, owner]),
    ]
    for (const cursor of invalid) {
      await expect(server.sse('bob', '', cursor)).rejects.toMatchObject({
        status: 400,
        code: 'INVALID_CURSOR',
      })
      const query = new URLSearchParams({ cursor })
      await expect(server.sse('bob', `?${query}`)).rejects.toMatchObject({ code: 'INVALID_CURSOR' })
      await expect(server.sse('bob', `/pull?${query}`)).rejects.toMatchObject({ code: 'INVALID_CURSOR' })
      await using ws = await server.ws('bob', {}, cursor)
      await expect.poll(() => ws.failure).toBe('INVALID_CURSOR')
    }
  })

  test('lead to resync if their events are unavailable, and continue from its cursor', async () => {
    let aheadMs = 0
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      overrides: { now: () => new Date(Date.now() + aheadMs) },
      settings: { eventRetentionDays: 30 },
    })
    await server.send('alice', 'bob', 'first')
    const begin = await server.sse('bob')
    begin.close()
    await server.send('alice', 'bob', 'missed')
    const { cursor } = begin
    const [kind, epoch, owner, xid, id, at] = partsOf(cursor)
    const lost = [
      cursorOf([kind, 'other', owner, xid, id, at]),
      cursorOf([kind, epoch, owner, xid, id, Number(at) - 1]),
      cursorOf([kind, epoch, owner, xid, Number(id) + 1_000, at]),
      cursorOf([kind, epoch, owner, '18446744073709551615', id, at]),
      cursorOf([kind, epoch, owner, xid, id, Number.MAX_SAFE_INTEGER]),
    ]
    for (const lostCursor of lost) {
      for (const open of [() => server.sse('bob', '', lostCursor), () => server.ws('bob', {}, lostCursor)]) {
        await using stream = await open()
        await stream.inbox.until(() => stream.inbox.received.length > 0)
        expect(stream.inbox.types).toEqual(['resync'])
        expect(stream.inbox.received[0]?.cursor).toBe(stream.cursor)
      }
    }
    await using ok = await server.sse('bob', '', cursor)
    await ok.inbox.untilText('missed')
    ok.close()

    // Waits for the delivery receipts of these messages, which are events too.
    await wait(1_200)
    aheadMs = 31 * DAY_MS
    const pulled = await server.call<{ items: { type: string }[]; cursor: string }>(
      'bob',
      'GET',
      `/v1/events/pull?cursor=${cursor}`,
    )
    expect(pulled.items.map(({ type }) => type)).toEqual(['resync'])
    // A new cursor stays valid even if the log has had no events for a long time.
    await using quiet = await server.sse('bob', '', pulled.cursor)
    await server.send('alice', 'bob', 'now')
    await quiet.inbox.untilText('now')
    expect(quiet.inbox.types).not.toContain('resync')
  })

  test('lead to resync only if retention deleted their events', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    await server.send('alice', 'bob', 'first')
    const begin = await server.sse('bob')
    begin.close()
    await server.send('alice', 'bob', 'second')
    const middle = await server.sse('bob', '', begin.cursor)
    await middle.inbox.untilText('second')
    middle.close()
    await server.send('alice', 'bob', 'third')
    await using watching = await server.sse('bob', '', middle.cursor)
    await watching.inbox.untilText('third')
    const [, , , , id] = partsOf(middle.cursor)
    await server.app.db.deleteFrom('events').where('id', '<', Number(id)).execute()
    await using lost = await server.sse('bob', '', begin.cursor)
    await lost.inbox.until(() => lost.inbox.types.includes('resync'))
    await using kept = await server.sse('bob', '', middle.cursor)
    await kept.inbox.untilText('third')
    expect(kept.inbox.types).not.toContain('resync')
  })
})

test('a SQLite file restored from an older copy is detected', async () => {
  await using server = await startServer('sqlite', { users: ['alice', 'bob'], inFile: true })
  const file = server.databaseUrl.slice('file:'.length)
  await server.send('alice', 'bob', 'first')
  const before = await server.sse('bob')
  before.close()
  await sql`pragma wal_checkpoint(truncate)`.execute(server.app.db)
  await copyFile(file, `${file}.copy`)
  await server.send('alice', 'bob', 'lost with the copy')
  const after = await server.sse('bob', '', before.cursor)
  await after.inbox.untilText('lost with the copy')
  after.close()
  await server.close()
  await copyFile(`${file}.copy`, file)
  await using restored = await server.another()
  await restored.send('alice', 'bob', 'after the restore')
  await restored.send('alice', 'bob', 'and another')
  await using reader = await restored.sse('bob', '', after.cursor)
  await reader.inbox.until(() => reader.inbox.received.length > 0)
  expect(reader.inbox.types[0]).toBe('resync')
  await using older = await restored.sse('bob', '', before.cursor)
  await older.inbox.untilText('and another')
})

test('a PostgreSQL log restored from a cluster with higher transaction ids leads to resync', async () => {
  await using server = await startServer('postgres', { users: ['alice', 'bob'] })
  await server.send('alice', 'bob', 'first')
  const before = await server.sse('bob')
  before.close()
  await server.close()
  await using stack = new AsyncDisposableStack()
  const first = stack.use(await server.another())
  // Like a dump from such a cluster: the transactions of its rows have not started here.
  await sql`update events set xid = (xid::text::bigint + 1000000000)::text::xid8`.execute(first.app.db)
  const [kind, epoch, owner, xid, id, at] = partsOf(before.cursor)
  const cursor = cursorOf([kind, epoch, owner, String(BigInt(String(xid)) + 1_000_000_000n), id, at])
  await first.send('alice', 'bob', 'after the restore')
  await using reader = await first.sse('bob', '', cursor)
  await reader.inbox.until(() => reader.inbox.received.length > 0)
  expect(reader.inbox.types[0]).toBe('resync')
  await first.send('alice', 'bob', 'later')
  await reader.inbox.untilText('later')
  await using again = await first.sse('bob', '', reader.cursor)
  expect(again.inbox.types).toEqual([])
})
