import type { EventTransaction, Executor, store } from '@sotto/db'
import { dialects, startServer, withPostgres } from '@sotto/testing/internal'
import { describe, expect, expectTypeOf, test } from 'vitest'

const WRITERS = 50

describe.each(dialects)('the order of events on %s', (using) => {
  test('follows seq with fifty writers in one conversation', async () => {
    await using first = await startServer(using, { users: ['alice', 'bob'] })
    const { id, conversationId } = await first.send('alice', 'bob', 'first')
    const servers = using === 'postgres' ? [first, await first.another()] : [first]
    const streams = await Promise.all(servers.flatMap((server) => [server.sse('bob'), server.ws('alice')]))
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        const server = servers[writer % servers.length] ?? first
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

describe('open transactions on PostgreSQL', () => {
  test('lose no events if the first to write commits last', async () => {
    await using server = await startServer('postgres', { users: ['alice', 'bob', 'carol'] })
    const toBob = await server.send('alice', 'bob', 'first')
    const { id: aliceId } = await server.client.users.get({ user: 'alice' })
    await using alice = await server.sse('alice')
    const insert = `insert into events (type, conversation_id, user_id, message_id, seq, detail, created_at)
      values ('reaction.added', $1, $2, $3, 1, '👍', now()) returning id`
    const ids: string[] = []
    await withPostgres(server.databaseUrl, async (client) => {
      for (let i = 0; i < 30; i++) {
        await client.query('begin')
        const { rows } = await client.query<{ id: string }>(insert, [toBob.conversationId, aliceId, toBob.id])
        await server.send('carol', 'alice', `${i}`)
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

test('events can only be appended in a transaction that notifies readers of the log', () => {
  type PlainTransaction = Parameters<Parameters<ReturnType<Executor['transaction']>['execute']>[0]>[0]
  expectTypeOf<PlainTransaction>().toExtend<Executor>()
  expectTypeOf<EventTransaction>().toExtend<Parameters<typeof store.events.append>[0]>()
  // @ts-expect-error An event appended in a plain transaction would wait for the next poll.
  expectTypeOf<PlainTransaction>().toExtend<Parameters<typeof store.events.append>[0]>()
})
