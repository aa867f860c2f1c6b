import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, rest, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const LENGTH = 55

/** When a message was sent: three messages share each minute. */
const sentAt = (seq: number) => new Date(Date.UTC(2026, 4, 1, 12, Math.floor((seq - 1) / 3)))

/** Three lists of one conversation's messages, with the same paging. */
const lists = ['/v1/direct/bob/messages', '/v1/messages', '/v1/conversations/ID/messages'] as const

describe.each(dialects)('the pages of a conversation on %s', (using) => {
  let server: TestServer
  let conversationId = ''
  beforeAll(async () => {
    server = await createTestServer({ using, users: ['alice', 'bob'] })
    for (let seq = 1; seq <= LENGTH; seq += 1) {
      const from = seq % 3 ? 'alice' : 'bob'
      server.clock.set(sentAt(seq))
      const sent = await server
        .as(from)
        .messages.send({ to: from === 'alice' ? 'bob' : 'alice', text: String(seq) })
      conversationId = sent.conversationId
    }
    server.clock.release()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function read(list: (typeof lists)[number], query: string) {
    const between = list === '/v1/messages' ? 'between=alice,bob&' : ''
    const path = `${list.replace('ID', conversationId)}?${between}${query}`
    const { status, body } = await rest(server, `GET ${path}` as 'GET /', { as: 'alice' })
    const {
      items = [],
      nextCursor,
      code,
      issues,
    } = body as {
      items?: { seq: number }[]
      nextCursor?: string | null
      code?: string
      issues?: { path: string }[]
    }
    return {
      status,
      seqs: items.map(({ seq }) => seq),
      nextCursor,
      code,
      paths: issues?.map(({ path }) => path),
    }
  }

  const down = (from: number, to: number) =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, i) => from - i)
  const up = (from: number, to: number) => down(to, from).toReversed()

  describe.each(lists)('%s', (list) => {
    test('start with the newest and have 50 messages by default', async () => {
      expect((await read(list, '')).seqs).toEqual(down(55, 6))
      expect((await read(list, 'limit=200')).seqs).toEqual(down(55, 1))
      expect((await read(list, 'limit=1')).seqs).toEqual([55])
      expect(await read(list, 'limit=55')).toMatchObject({ seqs: down(55, 1), nextCursor: null })
    })

    test.each(['0', '201', '-1', '1.5', 'x', '', '1e2', '+5', '%205', '99999999999999999999'])(
      'reject the limit and page size %j instead of clamping it',
      async (length) => {
        expect(await read(list, `limit=${length}`)).toMatchObject({
          status: 400,
          code: 'INVALID_INPUT',
          paths: ['limit'],
        })
        expect(await read(list, `page=1&pageSize=${length}`)).toMatchObject({
          status: 400,
          paths: ['pageSize'],
        })
      },
    )

    test('can be requested by number, counted from the newest', async () => {
      expect((await read(list, 'page=1')).seqs).toEqual(down(55, 6))
      expect((await read(list, 'page=2')).seqs).toEqual(down(5, 1))
      expect((await read(list, 'page=1&pageSize=10')).seqs).toEqual(down(55, 46))
      expect((await read(list, 'page=6&pageSize=10')).seqs).toEqual(down(5, 1))
      expect(await read(list, 'page=5&pageSize=11')).toMatchObject({ seqs: down(11, 1), nextCursor: null })
      for (const page of ['7', '10000', '999999999999999', '9007199254740991']) {
        const answer = await read(list, `page=${page}&pageSize=10`)
        if (answer.status === 200) expect(answer).toMatchObject({ seqs: [], nextCursor: null })
        else expect(answer).toMatchObject({ status: 400, paths: ['page'] })
      }
      for (const page of ['0', '-1', '1.5', 'last', '']) {
        expect(await read(list, `page=${page}`)).toMatchObject({ status: 400, paths: ['page'] })
      }
    })

    test('requested by number continue with a cursor', async () => {
      const { nextCursor } = await read(list, 'page=2&pageSize=10')
      expect((await read(list, `limit=10&cursor=${nextCursor}`)).seqs).toEqual(down(35, 26))
    })

    test('reject a mix of cursor, page number and offset', async () => {
      const { nextCursor } = await read(list, 'limit=5')
      expect(await read(list, `page=1&cursor=${nextCursor}`)).toMatchObject({ status: 400, paths: ['page'] })
      expect(await read(list, 'page=1&limit=5')).toMatchObject({ status: 400, paths: ['page'] })
      expect(await read(list, 'pageSize=5')).toMatchObject({ status: 400, paths: ['pageSize'] })
      expect(await read(list, 'offset=5')).toMatchObject({ status: 400, paths: ['offset'] })
      expect(await read(list, 'limit=5&limit=6')).toMatchObject({ status: 400, paths: ['limit'] })
    })
  })

  describe.each([lists[0], lists[2]])('%s', (list) => {
    test('before or after a seq exclude it', async () => {
      expect((await read(list, 'before=10&limit=3')).seqs).toEqual([9, 8, 7])
      expect((await read(list, 'before=1')).seqs).toEqual([])
      expect((await read(list, 'before=0')).seqs).toEqual([])
      expect((await read(list, 'after=10&limit=3')).seqs).toEqual([11, 12, 13])
      expect((await read(list, 'after=0&limit=2')).seqs).toEqual([1, 2])
      expect((await read(list, 'after=10&before=14')).seqs).toEqual([11, 12, 13])
      expect((await read(list, 'after=14&before=10')).seqs).toEqual([])
      expect((await read(list, 'after=100000')).seqs).toEqual([])
      for (const query of ['before=-1', 'after=1.5', 'after=x', 'before=']) {
        expect(await read(list, query)).toMatchObject({ status: 400, code: 'INVALID_INPUT' })
      }
      expect(await read(list, 'after=1&page=1')).toMatchObject({ status: 400, paths: ['after'] })
      expect(await read(list, 'before=1&page=1')).toMatchObject({ status: 400, paths: ['before'] })
    })

    test('since a time include it, oldest first', async () => {
      const since = (seq: number, ms = 0) => `since=${new Date(sentAt(seq).getTime() + ms).toISOString()}`
      expect((await read(list, `${since(1)}&limit=2`)).seqs).toEqual([1, 2])
      expect((await read(list, `${since(12)}&limit=4`)).seqs).toEqual([10, 11, 12, 13])
      expect((await read(list, `${since(12, 1)}&limit=2`)).seqs).toEqual([13, 14])
      expect((await read(list, `${since(1, -1)}&limit=1`)).seqs).toEqual([1])
      expect(await read(list, since(LENGTH, 1))).toMatchObject({ seqs: [], nextCursor: null })
      expect((await read(list, `${since(10)}&after=11&before=14`)).seqs).toEqual([12, 13])
      expect((await read(list, `${since(10)}&after=3&before=12`)).seqs).toEqual([10, 11])
      const { nextCursor } = await read(list, `${since(10)}&limit=3`)
      expect((await read(list, `${since(10)}&limit=3&cursor=${nextCursor}`)).seqs).toEqual([13, 14, 15])
      const backward = await read(list, 'limit=3')
      expect(await read(list, `${since(10)}&cursor=${backward.nextCursor}`)).toMatchObject({
        code: 'INVALID_CURSOR',
      })
      expect(await read(list, `${since(1)}&page=1`)).toMatchObject({ status: 400, paths: ['since'] })
      expect(await read(list, 'since=yesterday')).toMatchObject({ status: 400, paths: ['since'] })
    })

    test('after and before a seq continue with a cursor, in the same order and bounds', async () => {
      const seqs: number[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: Awaited<ReturnType<typeof read>> = await read(
          list,
          `after=10&before=30&limit=6${cursor && `&cursor=${cursor}`}`,
        )
        seqs.push(...page.seqs)
        cursor = page.nextCursor ?? null
      }
      expect(seqs).toEqual(up(11, 29))
      const { nextCursor } = await read(list, 'before=10&limit=3')
      expect((await read(list, `before=10&limit=3&cursor=${nextCursor}`)).seqs).toEqual([6, 5, 4])
      // Without the filter, the cursor keeps its position and direction.
      const forward = await read(list, 'after=10&limit=3')
      expect((await read(list, `limit=3&cursor=${forward.nextCursor}`)).seqs).toEqual([14, 15, 16])
      expect(await read(list, `after=1&cursor=${nextCursor}`)).toMatchObject({ code: 'INVALID_CURSOR' })
    })
  })

  test('do not shift when messages are added or deleted', async () => {
    for (const list of lists) {
      const first = await read(list, 'limit=10')
      const last = first.seqs.at(-1) ?? 0
      const more = await server.as('bob').messages.send({ to: 'alice', text: 'new' })
      expect((await read(list, `limit=10&cursor=${first.nextCursor}`)).seqs).toEqual(
        down(last - 1, last - 10),
      )
      await server.as('bob').messages.delete({ messageId: more.id })
      expect((await read(list, 'limit=1')).seqs).toEqual([more.seq])
    }
  })
})

describe.each(dialects)('a page of messages on %s', (using) => {
  test('takes one statement, with the check of access', async () => {
    const statements: string[] = []
    await using server = await startServer(using, {
      users: ['alice', 'bob', 'carol'],
      overrides: { onStatement: (sql) => void statements.push(sql) },
    })
    const { conversationId } = await server.send('alice', 'bob', 'hi')
    const path = `/v1/conversations/${conversationId}/messages` as const
    const reads = async (as: string | undefined, path: `/${string}`) => {
      statements.length = 0
      const { items } = await server.call<{ items: object[] }>(as, 'GET', path)
      expect(items).toHaveLength(1)
      return statements.filter((sql) => /^(with|select)\b.*"(messages|conversations)"/s.test(sql)).length
    }
    expect(await reads('alice', path)).toBe(1)
    expect(await reads(undefined, path)).toBe(1)
    expect(await reads('alice', '/v1/direct/bob/messages')).toBe(1)
    await expect(server.call('carol', 'GET', path)).rejects.toThrow('CONVERSATION_NOT_FOUND')
  })
})
