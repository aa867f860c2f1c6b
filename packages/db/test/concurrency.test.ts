import { randomUUID } from 'node:crypto'
import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, withPostgres } from '@sotto/testing/internal/databases'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'

/** How many callers are at work at once. */
const WRITERS = 50

/** What these tests look at in a Message. */
interface Message {
  id: string
  seq: number
  conversationId: string
  text: string
  createdAt: string
}

/**
 * Sends a message by a plain request: the client sends those of one user one after the other, and these are to
 * happen at once.
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
  // The contract says what it is, and tests of its own that it is so.
  return JSON.parse(text) as Answer
}

/** Two servers on one PostgreSQL database, and its URL. */
async function createPair(users: string[]) {
  // The name tells this database from all others while it is in use.
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

/** Does all the work, so many pieces of it at a time. */
async function allOf<T>(work: readonly (() => Promise<T>)[], atOnce = WRITERS): Promise<T[]> {
  const results: T[] = []
  const left = work.entries()
  async function go(): Promise<void> {
    for (const [index, piece] of left) results[index] = await piece()
  }
  await Promise.all(numbers(1, atOnce).map(go))
  return results
}

async function everyMessage(server: TestServer, reader: string, other: string): Promise<Message[]> {
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
  test('make one conversation of fifty first messages, numbered alike for everyone and in the log', async () => {
    await using pair = await createPair(['alice', 'bob'])
    const [first, second] = pair.servers

    // The log's order is the seqs' only if a transaction has its conversation's turn before it gets its number.
    const all = await allOf(
      numbers(1, 4 * WRITERS).map((n) => () => {
        const [from, to] = n % 3 === 0 ? (['alice', 'bob'] as const) : (['bob', 'alice'] as const)
        return send(n % 2 === 0 ? first : second, from, { to, text: `${n}` })
      }),
    )

    const byAlice = await everyMessage(first, 'alice', 'bob')
    const byBob = await everyMessage(second, 'bob', 'alice')
    expect(new Set(all.map((message) => message.conversationId)).size).toBe(1)
    expect(byAlice.map((message) => message.seq)).toEqual(numbers(1, all.length))
    expect(byBob.map((message) => message.id)).toEqual(byAlice.map((message) => message.id))
    expect(all.toSorted((a, b) => a.seq - b.seq).map((message) => message.id)).toEqual(
      byAlice.map((message) => message.id),
    )
    const times = byAlice.map((message) => message.createdAt)
    expect(times).toEqual(times.toSorted())

    const log = await pair.query<{ seq: string }>(
      "select seq from events where type = 'message.created' order by xid, id",
    )
    expect(log.map((event) => Number(event.seq))).toEqual(numbers(1, all.length))
    expect(await pair.query("select 1 from events where type = 'conversation.created'")).toHaveLength(1)
  })

  test('make one conversation when two write to each other for the first time', async () => {
    const couples = numbers(1, 20).map((n) => [`left${n}`, `right${n}`] as const)
    await using pair = await createPair(couples.flat())
    const [first, second] = pair.servers

    await Promise.all(
      couples.map(async ([left, right]) => {
        const sent = await Promise.all([
          send(first, left, { to: right, text: 'hi' }),
          send(second, right, { to: left, text: 'hello' }),
        ])
        expect(sent[0].conversationId).toBe(sent[1].conversationId)
        expect(sent.map((message) => message.seq).sort()).toEqual([1, 2])
      }),
    )
    expect(await pair.query('select 1 from conversations')).toHaveLength(couples.length)
  })

  test('keep the unread count equal to a recount through sends, reads and deletions at once', async () => {
    const couples = numbers(1, 25).map((n) => [`left${n}`, `right${n}`] as const)
    await using pair = await createPair(couples.flat())
    const [first, second] = pair.servers

    await Promise.all(
      couples.map(async ([left, right]) => {
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

    const recounted = await pair.query<{
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
    expect(recounted).toHaveLength(2 * couples.length)
    for (const row of recounted)
      expect(row).toMatchObject({ unread_count: row.recount, sent_count: row.sent })
  })
})

describe('delivered marks of two servers on one PostgreSQL', () => {
  test('never go back, and meet sends, reads and one another without a deadlock', async () => {
    const couples = numbers(1, 15).map((n) => [`left${n}`, `right${n}`] as const)
    await using pair = await createPair([...couples.flat(), 'reader'])
    const [first, second] = pair.servers

    await Promise.all(
      couples.map(async ([left, right], index) => {
        for (let n = 0; n < 8; n++) {
          const [near, far] = (n + index) % 2 === 0 ? [first, second] : [second, first]
          const { seq, conversationId } = await send(near, left, { to: right, text: `${n}` })
          await Promise.all([
            send(far, right, { conversationId, text: `${n}` }),
            request(near, right, 'GET', `/v1/direct/${left}/messages`),
            request(far, left, 'GET', `/v1/conversations`),
            n % 2 === 0 && request(far, right, 'POST', `/v1/conversations/${conversationId}/read`, { seq }),
            send(near, left, { to: 'reader', text: `${n}` }),
            request(far, 'reader', 'GET', '/v1/conversations'),
          ])
        }
      }),
    )

    await Promise.all(
      couples.flatMap(([left, right]) => [
        request(first, left, 'GET', `/v1/direct/${right}/messages`),
        request(second, right, 'GET', `/v1/direct/${left}/messages`),
        request(first, 'reader', 'GET', `/v1/direct/${left}/messages`),
      ]),
    )
    const behind = `
      select 1 from participants p join messages m on m.conversation_id = p.conversation_id
      where m.sender_id <> p.user_id and m.seq > p.delivered_seq`
    await expect.poll(() => pair.query(behind)).toEqual([])
    for (const server of pair.servers)
      expect(server.logs.filter((line) => line.includes('not written'))).toEqual([])
    // What a row says is what the last receipt says, and every receipt had its event, in the same order.
    const marks = await pair.query(`
      select p.user_id from participants p where p.delivered_seq <> coalesce((
        select max(r.seq) from receipts r where r.conversation_id = p.conversation_id
          and r.user_id = p.user_id and r.kind = 'delivered'), 0)`)
    expect(marks).toEqual([])
    const log = await pair.query<{ mark: string; seq: string }>(`
      select conversation_id || user_id::text as mark, seq from events
      where type = 'receipt.delivered' order by mark, xid, id`)
    const receipts = await pair.query<{ mark: string; seq: string }>(`
      select conversation_id || user_id::text as mark, seq from receipts
      where kind = 'delivered' order by mark, receipt_at, seq`)
    expect(log).toEqual(receipts)
    const bySeq = (a: { mark: string; seq: string }, b: { mark: string; seq: string }) =>
      a.mark < b.mark ? -1 : a.mark > b.mark ? 1 : Number(a.seq) - Number(b.seq)
    expect(log).toEqual(log.toSorted(bySeq))
  })
})

describe.each(dialects)('repeated sends on %s', (using) => {
  test('make a thousand messages of five thousand sends', { timeout: 60_000 }, async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const answers = await allOf(
      numbers(1, 1_000).map((n) => () => {
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
    const messages = await everyMessage(server, 'bob', 'alice')
    expect(messages.map((message) => message.seq)).toEqual(numbers(1, 1_000))
    expect(new Set(answers.flat().map((message) => message.id))).toEqual(
      new Set(messages.map((message) => message.id)),
    )
  })
})
