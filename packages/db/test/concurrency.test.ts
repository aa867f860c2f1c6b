import { randomUUID } from 'node:crypto'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, withPostgres } from '@sotto/testing/internal/databases'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { testScale } from '../../../scripts/test-scale.ts'

/** The number of concurrent callers. */
const WRITERS = 50
/** The number of messages that are each sent five times. */
const KEYS = 125 * testScale

/** The fields of a Message that these tests use. */
interface Message {
  id: string
  seq: number
  conversationId: string
  text: string
  createdAt: string
}

/**
 * Sends a message with a plain HTTP request. The SDK would send a user's messages one after another, and these tests
 * need them to be concurrent.
 */
function send(server: TestServer, from: string, message: object): Promise<Message> {
  return request(server, from, 'POST', '/v1/messages', message)
}

async function request<Answer>(
  server: TestServer,
  actor: string,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const response = await server.fetch(path, {
    method,
    headers: {
      authorization: `Bearer ${server.serviceKey}`,
      'act-as': actor,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  // The contract defines the type, and other tests check it.
  return JSON.parse(text) as Answer
}

/** Starts two servers on one PostgreSQL database. `query` reads that database. */
async function createCluster(users: string[]) {
  // The application name identifies the test database among others in use.
  const admin = new URL(process.env.SOTTO_TEST_POSTGRES_URL ?? '')
  const name = `test ${randomUUID()}`
  const stack = new AsyncDisposableStack()
  admin.searchParams.set('application_name', name)
  const first = stack.use(await createTestServer({ using: { postgres: admin.href }, users }))
  const second = stack.use(await first.another())
  const database = await withPostgres(admin.href, (client) =>
    client.query<{ datname: string }>(
      "select datname from pg_stat_activity where application_name = $1 and datname like 'sotto_test_%'",
      [name],
    ),
  )
  admin.pathname = `/${database.rows[0]?.datname}`
  return {
    servers: [first, second] as const,
    query: <Row extends pg.QueryResultRow>(text: string) =>
      withPostgres(admin.href, async (client) => (await client.query<Row>(text)).rows),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

/** Runs all tasks, up to `concurrency` at a time. */
async function runAll<T>(tasks: readonly (() => Promise<T>)[], concurrency = WRITERS): Promise<T[]> {
  const results: T[] = []
  const remaining = tasks.entries()
  async function work(): Promise<void> {
    for (const [index, task] of remaining) results[index] = await task()
  }
  await Promise.all(numbers(1, concurrency).map(work))
  return results
}

async function allMessages(server: TestServer, reader: string, other: string): Promise<Message[]> {
  const messages: Message[] = []
  for (let after: number | undefined = 0; after !== undefined; ) {
    const path = `/v1/direct/${other}/messages?after=${after}&limit=200`
    const page: { items: Message[] } = await request(server, reader, 'GET', path)
    messages.push(...page.items)
    after = page.items.at(-1)?.seq
  }
  return messages
}

describe('two servers on one PostgreSQL', () => {
  test('create one conversation from concurrent first messages, with the same seqs for both users and in the log', async () => {
    await using cluster = await createCluster(['alice', 'bob'])
    const [first, second] = cluster.servers

    // The log is in seq order only if a transaction takes the conversation lock before it gets its transaction id.
    const all = await runAll(
      numbers(1, 4 * WRITERS).map((n) => () => {
        const [from, to] = n % 3 === 0 ? (['alice', 'bob'] as const) : (['bob', 'alice'] as const)
        return send(n % 2 === 0 ? first : second, from, { to, text: `${n}` })
      }),
    )

    const byAlice = await allMessages(first, 'alice', 'bob')
    const byBob = await allMessages(second, 'bob', 'alice')
    expect(new Set(all.map((message) => message.conversationId)).size).toBe(1)
    expect(byAlice.map((message) => message.seq)).toEqual(numbers(1, all.length))
    expect(byBob.map((message) => message.id)).toEqual(byAlice.map((message) => message.id))
    expect(all.toSorted((a, b) => a.seq - b.seq).map((message) => message.id)).toEqual(
      byAlice.map((message) => message.id),
    )
    const times = byAlice.map((message) => message.createdAt)
    expect(times).toEqual(times.toSorted())

    const log = await cluster.query<{ seq: string }>(
      "select seq from events where type = 'message.created' order by xid, id",
    )
    expect(log.map((event) => Number(event.seq))).toEqual(numbers(1, all.length))
    expect(await cluster.query("select 1 from events where type = 'conversation.created'")).toHaveLength(1)
  })

  test('create one conversation when two users first write to each other at the same time', async () => {
    const userPairs = numbers(1, 20).map((n) => [`left${n}`, `right${n}`] as const)
    await using cluster = await createCluster(userPairs.flat())
    const [first, second] = cluster.servers

    await Promise.all(
      userPairs.map(async ([left, right]) => {
        const sent = await Promise.all([
          send(first, left, { to: right, text: 'hi' }),
          send(second, right, { to: left, text: 'hello' }),
        ])
        expect(sent[0].conversationId).toBe(sent[1].conversationId)
        expect(sent.map((message) => message.seq).sort()).toEqual([1, 2])
      }),
    )
    expect(await cluster.query('select 1 from conversations')).toHaveLength(userPairs.length)
  })

  test('keep the unread count correct during concurrent sends, reads and deletions', async () => {
    const userPairs = numbers(1, 25).map((n) => [`left${n}`, `right${n}`] as const)
    await using cluster = await createCluster(userPairs.flat())
    const [first, second] = cluster.servers

    await Promise.all(
      userPairs.map(async ([left, right]) => {
        const { id, conversationId } = await send(first, left, { to: right, text: 'to be deleted' })
        const early = await send(first, left, { conversationId, text: 'to be read' })
        for (let n = 0; n < 3; n++) await send(first, left, { conversationId, text: `${n}` })
        const read = `/v1/conversations/${conversationId}/read`
        await Promise.all([
          send(second, left, { conversationId, text: 'meanwhile' }),
          request(first, right, 'POST', read, { seq: early.seq }),
          request(second, left, 'DELETE', `/v1/messages/${id}`),
          send(first, right, { conversationId, text: 'meanwhile' }),
          request(second, right, 'POST', read, { seq: early.seq + 1 }),
          send(second, left, { conversationId, text: 'meanwhile' }),
        ])
      }),
    )

    const recounted = await cluster.query<{
      unread_count: string
      recount: string
      sent_count: string
      sent: string
    }>(`
      select c.last_seq - p.read_seq - p.skipped_count as unread_count, p.sent_count,
        (select count(*) from messages m where m.conversation_id = p.conversation_id
          and m.seq > p.read_seq and m.sender_id <> p.user_id and m.deleted_at is null) as recount,
        (select count(*) from messages m where m.conversation_id = p.conversation_id
          and m.sender_id = p.user_id) as sent
      from participants p join conversations c on c.id = p.conversation_id`)
    expect(recounted).toHaveLength(2 * userPairs.length)
    for (const row of recounted)
      expect(row).toMatchObject({ unread_count: row.recount, sent_count: row.sent })
  })
})

describe('delivered marks of two servers on one PostgreSQL', () => {
  test('never move backward and never deadlock with sends, reads or each other', async () => {
    const userPairs = numbers(1, 15).map((n) => [`left${n}`, `right${n}`] as const)
    await using cluster = await createCluster([...userPairs.flat(), 'reader'])
    const [first, second] = cluster.servers

    await Promise.all(
      userPairs.map(async ([left, right], index) => {
        for (let n = 0; n < 8; n++) {
          const [one, other] = (n + index) % 2 === 0 ? [first, second] : [second, first]
          const { seq, conversationId } = await send(one, left, { to: right, text: `${n}` })
          await Promise.all([
            send(other, right, { conversationId, text: `${n}` }),
            request(one, right, 'GET', `/v1/direct/${left}/messages`),
            request(other, left, 'GET', `/v1/conversations`),
            n % 2 === 0 && request(other, right, 'POST', `/v1/conversations/${conversationId}/read`, { seq }),
            send(one, left, { to: 'reader', text: `${n}` }),
            request(other, 'reader', 'GET', '/v1/conversations'),
          ])
        }
      }),
    )

    await Promise.all(
      userPairs.flatMap(([left, right]) => [
        request(first, left, 'GET', `/v1/direct/${right}/messages`),
        request(second, right, 'GET', `/v1/direct/${left}/messages`),
        request(first, 'reader', 'GET', `/v1/direct/${left}/messages`),
      ]),
    )
    const behind = `
      select 1 from participants p join messages m on m.conversation_id = p.conversation_id
      where m.sender_id <> p.user_id and m.seq > p.delivered_seq`
    await expect.poll(() => cluster.query(behind)).toEqual([])
    for (const server of cluster.servers)
      expect(server.logs.filter((line) => line.includes('not written'))).toEqual([])
    // Each participant's mark equals the last receipt, and each receipt has an event, in the same order.
    const marks = await cluster.query(`
      select p.user_id from participants p where p.delivered_seq <> coalesce((
        select max(r.seq) from receipts r where r.conversation_id = p.conversation_id
          and r.user_id = p.user_id and r.kind = 'delivered'), 0)`)
    expect(marks).toEqual([])
    const log = await cluster.query<{ mark: string; seq: string }>(`
      select conversation_id || user_id::text as mark, seq from events
      where type = 'receipt.delivered' order by mark, xid, id`)
    const receipts = await cluster.query<{ mark: string; seq: string }>(`
      select conversation_id || user_id::text as mark, seq from receipts
      where kind = 'delivered' order by mark, receipt_at, seq`)
    expect(log).toEqual(receipts)
    const bySeq = (a: { mark: string; seq: string }, b: { mark: string; seq: string }) =>
      a.mark < b.mark ? -1 : a.mark > b.mark ? 1 : Number(a.seq) - Number(b.seq)
    expect(log).toEqual(log.toSorted(bySeq))
  })
})

describe.each(dialects)('repeated sends on %s', (using) => {
  test('create one message per clientMessageId', { timeout: 60_000 }, async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const answers = await runAll(
      numbers(1, KEYS).map((n) => () => {
        const message = { to: 'bob', text: `${n}`, clientMessageId: `message ${n}` }
        return Promise.all(numbers(1, 5).map(() => send(server, 'alice', message)))
      }),
      20,
    )

    for (const repeats of answers) {
      const [original] = repeats
      for (const repeat of repeats) {
        expect([repeat.id, repeat.seq, repeat.text]).toEqual([original?.id, original?.seq, original?.text])
      }
    }
    const messages = await allMessages(server, 'bob', 'alice')
    expect(messages.map((message) => message.seq)).toEqual(numbers(1, KEYS))
    expect(new Set(answers.flat().map((message) => message.id))).toEqual(
      new Set(messages.map((message) => message.id)),
    )
  })
})
