import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, rest } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** The URL of each list. */
const lists = {
  users: '/v1/users?',
  'matching users': '/v1/users?q=u&',
  correspondents: '/v1/users/alice/correspondents?',
  inbox: '/v1/conversations?',
  timeline: '/v1/messages?',
  'timeline with filters': '/v1/messages?kind=text&isRead=false&',
  sent: '/v1/messages?sender=alice&',
  'sent to one user': '/v1/messages?sender=alice&recipient=user-1&',
  between: '/v1/messages?between=alice,user-1&',
  'between two users with a filter': '/v1/messages?between=alice,user-1&kind=text&',
  'conversation messages': '/v1/direct/user-1/messages?',
  'conversation messages from the beginning': '/v1/direct/user-1/messages?after=0&',
} as const
type List = keyof typeof lists

describe.each(dialects)('cursors on %s', (using) => {
  let server: TestServer
  beforeAll(async () => {
    server = await createTestServer({ using, users: ['alice', 'user-1', 'user-2', 'user-3'] })
    for (const to of ['user-1', 'user-2', 'user-3', 'user-1', 'user-1']) {
      await server.as('alice').messages.send({ to, text: `to ${to}` })
    }
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const read = (list: List, query: string) =>
    rest(server, `GET ${lists[list]}${query}` as 'GET /', { as: 'alice' })

  async function cursorOf(list: List): Promise<string> {
    const { body } = await read(list, 'limit=1')
    return (body as { nextCursor: string }).nextCursor
  }

  test.each(Object.keys(lists) as List[])('of the list "%s" return each item once', async (list) => {
    const all = (await read(list, 'limit=200')).body as { items: unknown[]; nextCursor: string | null }
    expect(all.nextCursor).toBeNull()
    const seen: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await read(list, `limit=1${cursor && `&cursor=${cursor}`}`)
      const page = body as typeof all
      expect(page.items.length).toBeLessThanOrEqual(1)
      seen.push(...page.items)
      cursor = page.nextCursor
    }
    expect(seen).toEqual(all.items)
    expect(seen.length).toBeGreaterThanOrEqual(3)
  })

  test('of one list are INVALID_CURSOR in another', async () => {
    const cursors = { users: '', timeline: '', between: '', inbox: '', correspondents: '' }
    for (const list of Object.keys(cursors) as (keyof typeof cursors)[]) cursors[list] = await cursorOf(list)
    for (const list of Object.keys(cursors) as (keyof typeof cursors)[]) {
      for (const [other, cursor] of Object.entries(cursors)) {
        const { status, body } = await read(list, `cursor=${cursor}`)
        if (other === list) expect(status).toBe(200)
        else expect([status, body], `${other} in ${list}`).toMatchObject([400, { code: 'INVALID_CURSOR' }])
      }
    }
  })

  test.each(Object.keys(lists) as List[])('forged for the list "%s" are INVALID_CURSOR', async (list) => {
    const real = await cursorOf(list)
    const [kind, ...position] = JSON.parse(Buffer.from(real, 'base64url').toString()) as unknown[]
    const forged = (...values: unknown[]) =>
      Buffer.from(JSON.stringify([kind, ...values])).toString('base64url')
    const garbage = [
      'x',
      '0',
      '1',
      '%00'.replace('%00', 'AA'),
      'null',
      real.slice(0, -1),
      `${real}A`,
      `${real}=`,
      real.toUpperCase(),
      Buffer.from('[]').toString('base64url'),
      Buffer.from('{"a":1}').toString('base64url'),
      forged(),
      forged('\0'),
      forged('\ud800'),
      forged(...position, 1),
      ...position.flatMap((_, index) =>
        ['\0', "' OR 1=1", -1, 1.5, null, Number.MAX_SAFE_INTEGER, 8.64e15, 'ü'.repeat(60)].map((value) =>
          forged(...position.with(index, value)),
        ),
      ),
      'A'.repeat(512),
      "'; drop table users --",
    ]
    for (const cursor of garbage) {
      const { status, body } = await read(list, `cursor=${encodeURIComponent(cursor)}`)
      const what = Buffer.from(cursor, 'base64url').toString()
      // A seq without a message is still a valid position.
      if (status === 200) expect(what).toMatch(/^\["(conversation.*,\d{16}\]$|[a-z-]*timeline",\d+,\d{16},)/)
      else expect([status, body], what).toMatchObject([400, { code: 'INVALID_CURSOR' }])
    }
  })

  test('that are empty or too long are INVALID_INPUT', async () => {
    for (const cursor of ['', 'A'.repeat(513), '%00', '%F0%9F%99%82'.repeat(600)]) {
      expect(await read('users', `cursor=${cursor}`)).toMatchObject({
        status: 400,
        body: { code: 'INVALID_INPUT', issues: [{ path: 'cursor' }] },
      })
    }
  })
})
