import { randomUUID } from 'node:crypto'
import type { EventTransaction, Executor, store } from '@sotto/db'
import { dialects, scrape, startServer, withPostgres } from '@sotto/testing/internal'
import { describe, expect, expectTypeOf, test } from 'vitest'

const WRITERS = 50

describe.each(dialects)('the order of events on %s', (using) => {
  test('is that of seq with fifty writers in one conversation', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob'] })
    const { id, conversationId } = await world.send('alice', 'bob', 'first')
    const servers = using === 'postgres' ? [world, await world.another()] : [world]
    const streams = await Promise.all(servers.flatMap((server) => [server.sse('bob'), server.ws('alice')]))
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        const server = servers[writer % servers.length] ?? world
        const [from, to] = writer % 3 === 0 ? ['bob', 'alice'] : ['alice', 'bob']
        for (let i = 0; i < 8; i++) {
          const sent = await server.send(from, to, `${writer}-${i}`)
          if (i % 3 === 1) await server.call(to, 'PUT', `/v1/messages/${id}/like`)
          if (i % 3 === 2) {
            await server.call(to, 'POST', `/v1/conversations/${conversationId}/read`, { seq: sent.seq })
          }
        }
      }),
    )
    const total = WRITERS * 8
    for (const { inbox } of streams) {
      await inbox.until(() => inbox.texts.length >= total, 15_000)
      const seqs = inbox.events.flatMap((event) =>
        event.type === 'message.created' ? [event.message.seq] : [],
      )
      expect(seqs).toEqual(Array.from({ length: total }, (_, i) => i + 2))
      for (const userId of new Set(
        inbox.events.flatMap((event) => ('userId' in event ? [event.userId] : [])),
      )) {
        const read = inbox.events.flatMap((event) =>
          event.type === 'receipt.updated' && event.kind === 'read' && event.userId === userId
            ? [event.seq]
            : [],
        )
        expect(read).toEqual(read.toSorted((a, b) => a - b))
      }
    }
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()))
  })
})

describe('transactions that stay open on PostgreSQL', () => {
  test('a foreign one that commits late is waited for, not missed, and named', {
    timeout: 20_000,
  }, async () => {
    await using world = await startServer('postgres', {
      users: ['alice', 'bob'],
      settings: { metricsPort: 0 },
    })
    const { id, conversationId } = await world.send('alice', 'bob', 'first')
    const { id: aliceId } = await world.client.users.get({ user: 'alice' })
    await using bob = await world.sse('bob')
    const blockers = async () => (await scrape(world)).series('sotto_log_blocker_age_seconds')
    expect(await blockers()).toEqual([])
    const insert = `insert into events (type, conversation_id, user_id, message_id, seq, detail, created_at)
      values ('reaction.added', $1, $2, $3, 1, '👍', now())`
    await withPostgres(world.databaseUrl, async (client) => {
      await client.query("set application_name = 'an export'")
      await client.query('begin')
      await client.query(insert, [conversationId, aliceId, id])
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      // Written later, committed earlier, with a greater number.
      await world.send('alice', 'bob', 'second')
      await expect
        .poll(() => world.logs.filter((line) => line.includes('holds back the event log')).join(), {
          timeout: 8_000,
        })
        .toContain(`"pid":${rows[0]?.pid}`)
      expect(bob.inbox.types).toEqual([])
      const [blocker] = await blockers()
      expect(blocker?.labels).toEqual({ pid: String(rows[0]?.pid), application: 'an export' })
      expect(blocker?.value).toBeGreaterThan(2)
      expect(blocker?.value).toBeLessThan(10)
      expect((await scrape(world)).value('sotto_log_unsettled')).toBe(1)
      await client.query('commit')
    })
    await bob.inbox.untilText('second', 1_500)
    expect(bob.inbox.types.slice(0, 2)).toEqual(['reaction.added', 'message.created'])
    await expect.poll(blockers).toEqual([])
    // The second waited for the first, and both are told by how long.
    expect((await scrape(world)).value('sotto_log_delay_seconds_sum')).toBeGreaterThan(2)
  })

  test('one of ours holds the events back no longer than its timeout', { timeout: 20_000 }, async () => {
    await using world = await startServer('postgres', { users: ['alice', 'bob'] })
    await world.send('alice', 'bob', 'first')
    await using bob = await world.sse('bob')
    const { promise: never, resolve } = Promise.withResolvers<void>()
    const { promise: written, resolve: reportWritten } = Promise.withResolvers<void>()
    const held = world.app.db
      .transaction()
      .execute(async (trx) => {
        await trx
          .insertInto('event_log')
          .values({ epoch: randomUUID().slice(0, 8) })
          .execute()
        reportWritten()
        await never
        await trx.selectFrom('event_log').selectAll().execute()
      })
      .then(
        () => 'committed',
        () => 'ended',
      )
    await written
    const before = performance.now()
    await world.send('alice', 'bob', 'second')
    await bob.inbox.untilText('second', 8_000)
    const ms = performance.now() - before
    resolve()
    expect(await held).toBe('ended')
    expect(ms).toBeGreaterThan(1_000)
    expect(ms).toBeLessThan(7_000)
  })

  test('two writers in two conversations, the first to write commits last, many times over', async () => {
    await using world = await startServer('postgres', { users: ['alice', 'bob', 'carol'] })
    const toBob = await world.send('alice', 'bob', 'first')
    const { id: aliceId } = await world.client.users.get({ user: 'alice' })
    await using alice = await world.sse('alice')
    const insert = `insert into events (type, conversation_id, user_id, message_id, seq, detail, created_at)
      values ('reaction.added', $1, $2, $3, 1, '👍', now()) returning id`
    const ids: string[] = []
    await withPostgres(world.databaseUrl, async (client) => {
      for (let i = 0; i < 30; i++) {
        await client.query('begin')
        const { rows } = await client.query<{ id: string }>(insert, [toBob.conversationId, aliceId, toBob.id])
        await world.send('carol', 'alice', `${i}`)
        await client.query(i % 3 === 2 ? 'rollback' : 'commit')
        if (i % 3 !== 2) ids.push(String(rows[0]?.id))
      }
    })
    await alice.inbox.untilText('29')
    const reactions = alice.inbox.events.filter((event) => event.type === 'reaction.added')
    expect(reactions.map((event) => event.id)).toEqual(ids)
    expect(alice.inbox.texts).toEqual(Array.from({ length: 30 }, (_, i) => `${i}`))
  })
})

test('only a transaction that wakes the readers of the log can append to it', () => {
  type PlainTransaction = Parameters<Parameters<ReturnType<Executor['transaction']>['execute']>[0]>[0]
  expectTypeOf<PlainTransaction>().toExtend<Executor>()
  expectTypeOf<EventTransaction>().toExtend<Parameters<typeof store.events.append>[0]>()
  // @ts-expect-error An event that a plain transaction appended would wait for the next poll.
  expectTypeOf<PlainTransaction>().toExtend<Parameters<typeof store.events.append>[0]>()
})
