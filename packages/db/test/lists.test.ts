import { createEmptyDatabase, dialects, type EmptyDatabase } from '@sotto/testing/internal/databases'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Database,
  newest,
  openDatabase,
  type Source,
  store,
  type TimelineFilter,
  type TimelinePosition,
} from '../src/index.ts'
import { createSampleData, insertSampleData, type Row } from './support/sample-data.ts'

const { tables, sample } = createSampleData(0.02)
const rowsOf = (name: string): Row[] => tables.find((table) => table.name === name)?.rows ?? []
const readSeqs = new Map(
  rowsOf('participants').map((row) => [`${row.conversation_id} ${row.user_id}`, Number(row.read_seq)]),
)

const { hub, deep, middle, late } = sample
const sources: Record<string, Source[]> = {
  'all messages': [{ by: 'all' }],
  'messages sent by a user': [{ by: 'sender', userId: hub }],
  'messages received by a user': [{ by: 'recipient', userId: hub }],
  'messages sent or received by a user': [
    { by: 'sender', userId: hub },
    { by: 'recipient', userId: hub, exceptFrom: hub },
  ],
  'a conversation': [{ by: 'conversation', conversationId: deep.id }],
  'one side of a conversation': [{ by: 'conversation', conversationId: deep.id, senderId: deep.author }],
}
type Filter = Omit<TimelineFilter, 'viewer'>

const filters: Filter[] = [
  {},
  { kind: 'image' },
  { isRead: true },
  { isRead: false },
  { since: middle },
  { until: middle },
  { since: middle, until: late },
  { kind: 'text', isRead: false, since: middle, until: late },
]

/** The expected result, computed from plain arrays. */
function expectedTimeline(from: readonly Source[], filter: Filter): string[] {
  return rowsOf('messages')
    .filter((row) => from.some((source) => isFrom(row, source)) && passes(row, filter))
    .sort(
      (a, b) =>
        timeOf(b) - timeOf(a) || Number(b.seq) - Number(a.seq) || (String(a.id) < String(b.id) ? 1 : -1),
    )
    .map((row) => String(row.id))
}

function isFrom(row: Row, source: Source): boolean {
  if (source.by === 'all') return true
  if (source.by === 'sender') return row.sender_id === source.userId
  if (source.by === 'recipient')
    return row.recipient_id === source.userId && row.sender_id !== source.exceptFrom
  return (
    row.conversation_id === source.conversationId &&
    (source.senderId === undefined || row.sender_id === source.senderId)
  )
}

function passes(row: Row, { kind, isRead, since, until }: Filter): boolean {
  if (kind && row.kind !== kind) return false
  if (since && timeOf(row) < since.getTime()) return false
  if (until && timeOf(row) >= until.getTime()) return false
  if (isRead === undefined) return true
  if (row.recipient_id === null) return false
  return Number(row.seq) <= (readSeqs.get(`${row.conversation_id} ${row.recipient_id}`) ?? 0) === isRead
}

function timeOf(row: Row): number {
  return row.created_at instanceof Date ? row.created_at.getTime() : 0
}

describe.each(dialects)('lists on %s', (using) => {
  let empty: EmptyDatabase
  let database: Database

  beforeAll(async () => {
    empty = await createEmptyDatabase(using)
    database = await openDatabase({ url: empty.url })
    await database.migrate()
    await insertSampleData(using, empty, tables)
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
    await empty[Symbol.asyncDispose]()
  })

  const cases = Object.entries(sources).flatMap(([name, from]) =>
    filters.map((filter) => ({ name, from, filter, json: JSON.stringify(filter) })),
  )
  test.each(cases)(
    'return each message of $name once, in order, with filter $json',
    async ({ from, filter }) => {
      const ids: string[] = []
      let before: TimelinePosition | undefined
      do {
        const page = await store.timeline.list(database.db, from, { viewer: null, ...filter }, before, 20)
        expect(page.ids.length).toBeLessThanOrEqual(20)
        ids.push(...page.ids)
        before = page.next
      } while (before)

      expect(ids).toEqual(expectedTimeline(from, filter))
    },
  )

  test('continue at `until` if the cursor is later', async () => {
    const page = await store.timeline.list(
      database.db,
      [{ by: 'all' }],
      { viewer: null, until: middle },
      { at: late, seq: 1, id: newest.id },
      20,
    )

    expect(page.ids).toEqual(expectedTimeline([{ by: 'all' }], { until: middle }).slice(0, 20))
  })

  // Of the 80 users, a third are called Anna and one is called Zoe. All usernames start with u.
  test.each([
    { prefix: 'ANNA', limit: 5 },
    { prefix: 'anna', limit: 200 },
    { prefix: 'zoe', limit: 1 },
    { prefix: 'zoe', limit: 5 },
    { prefix: 'u', limit: 5 },
    { prefix: 's', limit: 3 },
    { prefix: 'u1', limit: 3 },
    { prefix: '%', limit: 3 },
    { prefix: 'anna 12', limit: 1 },
  ])(
    'return each user whose name starts with $prefix once, in order, $limit per page',
    async ({ prefix, limit }) => {
      const usernames: string[] = []
      let after: string | undefined = ''
      while (after !== undefined) {
        const page: Awaited<ReturnType<typeof store.users.search>> = await store.users.search(
          database.db,
          prefix,
          after,
          limit,
        )
        expect(page.rows.length).toBeLessThanOrEqual(limit)
        usernames.push(...page.rows.map((row) => row.username))
        after = page.next
      }

      const matches = (name: unknown) => String(name).toLowerCase().startsWith(prefix.toLowerCase())
      const expected = rowsOf('users').filter((row) => matches(row.username) || matches(row.display_name))
      expect(usernames).toEqual(expected.map((row) => String(row.username)).sort())
    },
  )
})
