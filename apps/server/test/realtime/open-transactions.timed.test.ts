import { randomUUID } from 'node:crypto'
import { scrape, startServer, withPostgres } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

describe('open transactions on PostgreSQL', () => {
  test('of other applications that write to tables of ours delay later events, and are logged and measured', {
    timeout: 20_000,
  }, async () => {
    await using server = await startServer('postgres', {
      users: ['alice', 'bob'],
      settings: { metricsPort: 0 },
    })
    const { id, conversationId } = await server.send('alice', 'bob', 'first')
    const { id: aliceId } = await server.client.users.get({ user: 'alice' })
    await using bob = await server.sse('bob')
    const blockers = async () => (await scrape(server)).series('sotto_log_blocker_age_seconds')
    expect(await blockers()).toEqual([])
    const insert = `insert into events (type, conversation_id, user_id, message_id, seq, detail, created_at)
      values ('reaction.added', $1, $2, $3, 1, '👍', now())`
    await withPostgres(server.databaseUrl, async (client) => {
      await client.query("set application_name = 'an export'")
      await client.query('begin')
      await client.query(insert, [conversationId, aliceId, id])
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      // Written later and with a higher id, but committed first.
      await server.send('alice', 'bob', 'second')
      await expect
        .poll(() => server.logs.filter((line) => line.includes('holds back the event log')).join(), {
          timeout: 8_000,
        })
        .toContain(`"pid":${rows[0]?.pid}`)
      expect(bob.inbox.types).toEqual([])
      const [blocker] = await blockers()
      expect(blocker?.labels).toEqual({ pid: String(rows[0]?.pid), application: 'an export' })
      expect(blocker?.value).toBeGreaterThan(2)
      expect(blocker?.value).toBeLessThan(10)
      expect((await scrape(server)).value('sotto_log_unsettled')).toBe(1)
      await client.query('commit')
    })
    await bob.inbox.untilText('second', 1_500)
    expect(bob.inbox.types.slice(0, 2)).toEqual(['reaction.added', 'message.created'])
    await expect.poll(blockers).toEqual([])
    // The metric includes the delay of both events.
    expect((await scrape(server)).value('sotto_log_delay_seconds_sum')).toBeGreaterThan(2)
  })

  test('of a server delay events no longer than their timeout', { timeout: 20_000 }, async () => {
    await using server = await startServer('postgres', { users: ['alice', 'bob'] })
    await server.send('alice', 'bob', 'first')
    await using bob = await server.sse('bob')
    const { promise: never, resolve } = Promise.withResolvers<void>()
    const { promise: written, resolve: reportWritten } = Promise.withResolvers<void>()
    const held = server.app.db
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
    await server.send('alice', 'bob', 'second')
    await bob.inbox.untilText('second', 8_000)
    const ms = performance.now() - before
    resolve()
    expect(await held).toBe('ended')
    expect(ms).toBeGreaterThan(1_000)
    expect(ms).toBeLessThan(7_000)
  })
})
