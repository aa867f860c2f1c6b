import {
  createEmptyDatabase,
  type Dialect,
  dialects,
  type EmptyDatabase,
} from '@sotto/testing/internal/databases'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type AuditFilter,
  type Database,
  type Executor,
  FIRST_USER_ID,
  newest,
  openDatabase,
  type Source,
  store,
  type TimelineFilter,
} from '../src/index.ts'
import { type Explainer, postgresExplainer, type Statement, sqliteExplainer } from './support/plans.ts'
import { analyze, createSampleData, insertSampleData, type SampleData } from './support/sample-data.ts'

/** The default page size. */
const PAGE = 50
/** The maximum number of rows read per row of a full page, including lookups of joins. */
const MAX_READS_PER_ROW = 5
/** The maximum number of rows read by a request that finds almost nothing. */
const MAX_READS_PER_REQUEST = 5_000

interface Query {
  name: string
  /** Returns the number of rows found. */
  run(db: Executor, sample: SampleData): Promise<number>
}

const lookups: Query[] = [
  { name: 'a user by id', run: async (db, { hub }) => count(await store.users.find(db, hub)) },
  { name: 'a user by name', run: async (db, { username }) => count(await store.users.find(db, username)) },
  {
    name: 'a password',
    // Of an unknown user: PostgreSQL scans the table of second factors while it is empty.
    run: async (db) => 1 + count(await store.credentials.find(db, '00000000-0000-4000-8000-000000000000')),
  },
  { name: 'a session', run: async (db) => count(await store.sessions.find(db, 'token 7')) },
  { name: 'a service key', run: async (db) => count(await store.serviceKeys.findByHash(db, 'key 7')) },
  { name: 'a conversation', run: async (db, { deep }) => count(await store.conversations.find(db, deep.id)) },
  {
    name: 'a direct conversation',
    run: async (db, { directKey }) => count(await store.conversations.findDirect(db, directKey)),
  },
  {
    name: 'the target of a direct message',
    run: async (db, { directKey, hub, userIds, clientMessageId }) => {
      const senderId = userIds[7] ?? ''
      const target = { directKey, conversationId: null, senderId, recipientId: hub, clientMessageId }
      return (await store.sendTargets.find(db, [target])).length
    },
  },
  {
    name: 'the target of a group message that was sent before',
    run: async (db, { deep, clientMessageId }) => {
      const target = { directKey: null, conversationId: deep.id, senderId: deep.author, recipientId: null }
      return (await store.sendTargets.find(db, [{ ...target, clientMessageId }])).length
    },
  },
  {
    name: 'the relationship of two users',
    run: async (db, { hub, userIds }) => count(await store.relationships.find(db, hub, userIds[9] ?? '')),
  },
  {
    name: 'a contact',
    run: async (db, { hub, userIds }) => count(await store.contacts.find(db, hub, userIds[9] ?? '')),
  },
  {
    name: 'a participant',
    run: async (db, { deep }) => count(await store.participants.find(db, deep.id, deep.author)),
  },
  {
    name: 'the spans of a group that a user may read',
    run: async (db, { group, userIds }) =>
      (await store.participants.findSpans(db, group, userIds[9] ?? '')).length,
  },
  {
    name: 'the number of groups to which keys have added a user',
    run: async (db, { userIds }) => store.participants.countGroups(db, userIds[10] ?? '', null),
  },
  {
    name: 'the number of groups to which another user has added a user',
    run: async (db, { userIds, hub }) =>
      1 + (await store.participants.countGroups(db, userIds[10] ?? '', hub)),
  },
  {
    name: 'the admins',
    run: async (db) => 1 + (await store.accounts.holdAdmins(db)).length,
  },
  {
    name: 'the last stay of a user in a group',
    run: async (db, { group, userIds }) =>
      count(await store.participants.findLastStay(db, group, userIds[9] ?? '')),
  },
  {
    name: 'a group by its clientConversationId',
    run: async (db, { hub }) => {
      const key = { creatorId: hub, clientConversationId: 'one' }
      return 1 + count(await store.conversations.findByClientKey(db, key))
    },
  },
  {
    name: 'the marks that a user has reported',
    run: async (db, { deep }) => {
      const marks = { delivered_seq: 2_000, read_seq: 2_000 }
      return count(await store.receipts.findReportedMarks(db, deep.id, deep.reader, marks))
    },
  },
  {
    name: 'the sender of a message by its seq',
    run: async (db, { deep }) => count(await store.messages.findSender(db, deep.id, 1_000)),
  },
  {
    name: 'the first message of others between two messages',
    run: async (db, { deep }) => {
      const range = { conversationId: deep.id, userId: deep.reader, above: 1_000, upTo: 2_000 }
      return count(await store.receipts.findReceivable(db, range))
    },
  },
  {
    name: 'a message',
    run: async (db, { messageIds, hub }) =>
      count(await store.messages.find(db, messageIds[50_000] ?? '', hub)),
  },
  {
    name: 'an earlier send with the same clientMessageId',
    run: async (db, { deep, clientMessageId }) =>
      count(
        await store.messages.findByClientMessageId(db, {
          conversationId: deep.id,
          senderId: deep.author,
          clientMessageId,
        }),
      ),
  },
]

/** The start of the sample data, and a time that many rows of each table precede. */
const DATA_START = new Date(Date.UTC(2026, 0, 1))
const EARLY = new Date(DATA_START.getTime() + 2_000)

/** Most audit entries are of one user. Covers each filter alone, and a combination that most entries match. */
const auditFilters: { name: string; of: (sample: SampleData) => AuditFilter }[] = [
  { name: 'all entries', of: () => ({}) },
  { name: 'by actor', of: ({ hub }) => ({ actorId: hub }) },
  { name: 'by action', of: () => ({ action: 'user.disabled' }) },
  { name: 'by subject', of: ({ userIds }) => ({ subjectId: userIds[3] ?? '' }) },
  { name: 'since a time', of: () => ({ since: new Date(DATA_START.getTime() + 1_000) }) },
  { name: 'by actor and action', of: ({ hub }) => ({ actorId: hub, action: 'user.role_changed' }) },
]

const pages: Query[] = [
  { name: 'users', run: async (db) => (await store.users.list(db, '', PAGE)).rows.length },
  { name: 'users from the middle', run: async (db) => (await store.users.list(db, 'u2', PAGE)).rows.length },
  {
    name: 'users by a name that forty users have',
    run: async (db) => (await store.users.search(db, 'Zoe', '', PAGE)).rows.length,
  },
  {
    name: 'users by a name that a third of the users have',
    run: async (db) => (await store.users.search(db, 'anna', '', PAGE)).rows.length,
  },
  {
    name: 'users by a name that a third of the users have, from the middle',
    run: async (db) => (await store.users.search(db, 'anna', 'u2', PAGE)).rows.length,
  },
  {
    name: 'users by a prefix of all usernames',
    run: async (db) => (await store.users.search(db, 'u', '', PAGE)).rows.length,
  },
  {
    name: 'users by ids',
    run: async (db, { userIds }) =>
      (await store.users.findMany(db, userIds.slice(1_000, 1_000 + PAGE))).length,
  },
  {
    name: 'users to count',
    run: async (db) => (await store.statistics.countUsers(db, FIRST_USER_ID, PAGE)).rows,
  },
  {
    name: 'users to count, from the middle',
    run: async (db, { userIds }) => (await store.statistics.countUsers(db, userIds[1_000] ?? '', PAGE)).rows,
  },
  {
    name: 'conversations to count, from the middle',
    run: async (db, { conversationIds }) =>
      (await store.statistics.countConversations(db, conversationIds[1_000] ?? '', PAGE)).rows,
  },
  { name: 'inbox', run: async (db, { hub }) => (await store.inbox.list(db, hub, newest, PAGE)).length },
  {
    name: 'inbox from the middle',
    run: async (db, { hub, late }) => (await store.inbox.list(db, hub, { ...newest, at: late }, PAGE)).length,
  },
  {
    name: 'correspondents',
    run: async (db, { hub }) => (await store.inbox.listCorrespondents(db, hub, newest, PAGE)).length,
  },
  {
    name: 'correspondents from the middle',
    run: async (db, { hub, late }) =>
      (await store.inbox.listCorrespondents(db, hub, { ...newest, at: late }, PAGE)).length,
  },
  ...(['accepted', 'incoming', 'outgoing'] as const).flatMap((state) =>
    [newest, { ...newest, at: new Date(Date.UTC(2026, 0, 1) + 200) }].map((before, page) => ({
      name: `${state} contacts, ${page === 0 ? 'from the newest' : 'from the middle'}`,
      run: async (db: Executor, { hub }: SampleData) =>
        (await store.contacts.list(db, { userId: hub, state, before, limit: PAGE })).length,
    })),
  ),
  { name: 'blocks', run: async (db, { hub }) => (await store.blocks.list(db, hub, newest, PAGE)).length },
  {
    name: 'blocks between a user and others, made by the user',
    run: async (db, { hub, userIds }) =>
      (await store.blocks.findBetween(db, hub, userIds.slice(100, 200))).size,
  },
  {
    name: 'blocks between a user and others, made by the others',
    run: async (db, { userIds }) =>
      (await store.blocks.findBetween(db, userIds[8] ?? '', userIds.slice(0, 100))).size,
  },
  {
    name: 'sessions that have not expired',
    run: async (db, { hub }) => (await store.sessions.list(db, hub, DATA_START, newest, PAGE)).length,
  },
  {
    name: 'sessions by id',
    run: async (db, { hub }) => {
      const own = await store.sessions.list(db, hub, DATA_START, newest, PAGE)
      const ids = own.map((session) => session.id)
      return (await store.sessions.findMany(db, ids)).length
    },
  },
  { name: 'invitations', run: async (db) => (await store.invitations.list(db, newest, PAGE)).length },
  {
    name: 'invitations from the middle',
    run: async (db) => (await store.invitations.list(db, { ...newest, at: EARLY }, PAGE)).length,
  },
  ...auditFilters.flatMap(({ name, of }) =>
    [newest, { ...newest, at: EARLY }].map((before, page) => ({
      name: `audit entries, ${name}, ${page === 0 ? 'from the newest' : 'from the middle'}`,
      run: async (db: Executor, sample: SampleData) =>
        (await store.audit.list(db, of(sample), before, PAGE)).length,
    })),
  ),
  {
    name: 'the participants of a group',
    run: async (db, { group }) =>
      (await store.participants.listMembers(db, group, FIRST_USER_ID, PAGE)).length,
  },
  {
    name: 'the participants of a group from the middle',
    run: async (db, { group, userIds }) =>
      (await store.participants.listMembers(db, group, userIds[150] ?? '', PAGE)).length,
  },
  {
    name: 'all stays in a group',
    run: async (db, { group }) => (await store.participants.findStays(db, [group])).length,
  },
  {
    name: 'users who are still in a group',
    run: async (db, { group, userIds }) =>
      (await store.participants.findPresent(db, [group], userIds.slice(0, 250))).length,
  },
  {
    name: 'users who may see the presence of a user',
    run: async (db, { hub, userIds }) =>
      (await store.relationships.findPresenceViewers(db, userIds[11] ?? '', [hub])).size,
  },
  {
    name: 'receipt times of a late message of the longest conversation',
    run: async (db, { deep }) =>
      (
        await store.receipts.findTimes(db, {
          conversationId: deep.id,
          userIds: [deep.author, deep.reader],
          seq: Math.floor(0.999 * deep.lastSeq),
        })
      ).length,
  },
  { name: 'service keys', run: async (db) => (await store.serviceKeys.list(db, newest, PAGE)).length },
  {
    name: 'service keys from the middle',
    run: async (db) => {
      const [, middle] = await store.serviceKeys.list(db, newest, 2)
      return middle
        ? (await store.serviceKeys.list(db, { at: middle.created_at, id: middle.id }, PAGE)).length
        : 0
    },
  },
  {
    name: 'messages sent by a user, including tombstones, oldest first',
    run: async (db, { hub, middle }) =>
      (await store.erasure.listSent(db, hub, { at: middle, id: FIRST_USER_ID }, PAGE)).length,
  },
  {
    name: 'messages past their retention',
    run: async (db, { middle, late }) =>
      (await store.erasure.listOlder(db, { at: middle, id: FIRST_USER_ID }, late, PAGE)).length,
  },
  {
    name: 'stays to export',
    run: async (db, { hub }) =>
      (await store.userData.listStays(db, hub, { conversationId: FIRST_USER_ID, firstEventId: 0 }, PAGE))
        .length,
  },
  {
    name: 'conversations whose receipts are to be erased',
    run: async (db, { hub }) =>
      (await store.erasure.listConversationIds(db, hub, FIRST_USER_ID, PAGE)).length,
  },
  {
    name: 'participants of conversations',
    run: async (db, { conversationIds }) =>
      (await store.participants.findMembers(db, conversationIds.slice(1_000, 1_000 + PAGE))).length,
  },
  {
    name: 'last messages of conversations',
    run: async (db, { conversationIds, hub }) =>
      (await store.messages.findLastOfEach(db, conversationIds.slice(1_000, 1_000 + PAGE), hub)).length,
  },
  {
    name: 'messages by ids',
    run: async (db, { messageIds, hub }) =>
      (await store.messages.findMany(db, messageIds.slice(50_000, 50_000 + PAGE), hub)).length,
  },
  ...(['newest first', 'oldest first'] as const).flatMap((order) =>
    [
      { at: 'newest', above: 0.9, below: 2 },
      { at: 'oldest', above: 0, below: 0.1 },
      { at: 'middle', above: 0.4, below: 0.6 },
      { at: 'all', above: 0, below: Number.MAX_SAFE_INTEGER },
    ].map(({ at, above, below }) => ({
      name: `the longest conversation, ${at}, ${order}`,
      run: async (db: Executor, { deep }: SampleData) => {
        const range = {
          viewer: deep.reader,
          conversationId: deep.id,
          above: Math.floor(above * deep.lastSeq),
          below: Math.min(Math.floor(below * deep.lastSeq), Number.MAX_SAFE_INTEGER),
          limit: PAGE,
        }
        return (await store.messages.list(db, range, order)).length
      },
    })),
  ),
  ...(['newest first', 'oldest first'] as const).flatMap((order): Query[] => [
    {
      name: `the readable messages of a conversation, ${order}`,
      run: async (db, { deep }) => {
        const range = { viewer: deep.author, conversationId: deep.id, ...middleOf(deep.lastSeq), limit: PAGE }
        return (await store.messages.listOfOnlyStay(db, range, order)).length
      },
    },
    {
      name: `the messages of a direct conversation, ${order}`,
      run: async (db, { directKey, hub }) => {
        const range = { viewer: hub, key: directKey, above: 0, below: Number.MAX_SAFE_INTEGER, limit: PAGE }
        return (await store.messages.listDirect(db, range, order)).length
      },
    },
  ]),
]

function middleOf(lastSeq: number) {
  return { above: Math.floor(0.25 * lastSeq), below: Math.floor(0.75 * lastSeq) }
}

const sources: Record<string, (sample: SampleData) => Source[]> = {
  'all messages': () => [{ by: 'all' }],
  'messages sent by a user': ({ hub }) => [{ by: 'sender', userId: hub }],
  'messages of one kind sent by a user': ({ deep }) => [{ by: 'sender', userId: deep.author }],
  'messages received by a user': ({ hub }) => [{ by: 'recipient', userId: hub }],
  'messages sent or received by a user': ({ hub }) => [
    { by: 'sender', userId: hub },
    { by: 'recipient', userId: hub, exceptFrom: hub },
  ],
  'the longest conversation': ({ deep }) => [{ by: 'conversation', conversationId: deep.id }],
  'one side of the longest conversation': ({ deep }) => [
    { by: 'conversation', conversationId: deep.id, senderId: deep.author },
  ],
  'a group': ({ group }) => [{ by: 'conversation', conversationId: group }],
}

interface NamedFilter {
  name: string
  of(sample: SampleData): Omit<TimelineFilter, 'viewer'>
}

/** Filters that most messages match, or that an index serves. */
const cheapFilters: NamedFilter[] = [
  { name: 'no filter', of: () => ({}) },
  { name: 'text', of: () => ({ kind: 'text' }) },
  { name: 'since', of: ({ middle }) => ({ since: middle }) },
  { name: 'until', of: ({ middle }) => ({ until: middle }) },
  { name: 'since and until', of: ({ middle, late }) => ({ since: middle, until: late }) },
]
const costlyFilters: NamedFilter[] = [
  { name: 'read', of: () => ({ isRead: true }) },
  { name: 'unread', of: () => ({ isRead: false }) },
  { name: 'images', of: () => ({ kind: 'image' }) },
  { name: 'videos', of: () => ({ kind: 'video' }) },
  { name: 'unread videos', of: () => ({ kind: 'video', isRead: false }) },
  { name: 'read texts since', of: ({ middle }) => ({ kind: 'text', isRead: true, since: middle }) },
  {
    name: 'unread videos since and until',
    of: ({ middle, late }) => ({ kind: 'video', isRead: false, since: middle, until: late }),
  },
]

/** Requests that find almost nothing. */
const searches: Query[] = [
  {
    name: 'earlier versions of messages of a user',
    run: async (db, { hub, middle }) => {
      const after = { at: middle, id: FIRST_USER_ID, version: 0 }
      return (await store.userData.listEdits(db, hub, after, PAGE)).rows.length
    },
  },
  {
    name: 'a message to a user who was erased',
    run: async (db, { hub, clientMessageId }) =>
      (await store.messages.findSentToErased(db, hub, clientMessageId)).length,
  },
]

function timelines(filters: readonly NamedFilter[]): Query[] {
  return Object.entries(sources).flatMap(([from, toSources]) =>
    filters.flatMap((filter) =>
      ['from the newest', 'from the middle'].map((where) => ({
        name: `${from}: ${filter.name}, ${where}`,
        run: async (db: Executor, sample: SampleData) => {
          const chosen = toSources(sample)
          const position = { at: sample.later, seq: Number.MAX_SAFE_INTEGER, id: newest.id }
          const before = where === 'from the middle' ? position : undefined
          const full = { viewer: sample.hub, ...filter.of(sample) }
          return (await store.timeline.list(db, chosen, full, before, PAGE)).ids.length
        },
      })),
    ),
  )
}

function count(found: unknown): number {
  return found === undefined ? 0 : 1
}

interface Setting {
  statistics: string
  open(empty: EmptyDatabase): Promise<Explainer>
}

/** In this order: on SQLite, the first setting is that of a server that never analyzes. */
const settings: Record<Dialect, Setting[]> = {
  sqlite: [
    { statistics: 'without statistics', open: async ({ file }) => sqliteExplainer(file) },
    {
      statistics: 'with statistics',
      async open(empty) {
        await analyze('sqlite', empty)
        return sqliteExplainer(empty.file)
      },
    },
  ],
  postgres: [
    {
      statistics: 'planned for the values',
      async open(empty) {
        await analyze('postgres', empty)
        return postgresExplainer(empty.url, 'force_custom_plan')
      },
    },
    {
      statistics: 'planned once for all values',
      open: ({ url }) => postgresExplainer(url, 'force_generic_plan'),
    },
  ],
}

const { tables, sample } = createSampleData()

describe.each(dialects)('over 100,000 messages on %s', (using) => {
  let empty: EmptyDatabase
  let database: Database
  let statements: Statement[] = []

  beforeAll(async () => {
    empty = await createEmptyDatabase(using)
    database = await openDatabase({
      url: empty.url,
      onStatement: (sql, parameters) => statements.push({ sql, parameters }),
    })
    await database.migrate()
    await insertSampleData(using, empty, tables)
  }, 60_000)
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
    await empty[Symbol.asyncDispose]()
  })

  describe.each(settings[using])('$statistics', ({ open }) => {
    let explainer: Explainer

    beforeAll(async () => {
      explainer = await open(empty)
    })
    afterAll(async () => {
      await explainer[Symbol.asyncDispose]()
    })

    async function measure(query: Query) {
      statements = []
      const rows = await query.run(database.db, sample)
      let reads = 0
      const faults: string[] = []
      const plans: string[] = []
      for (const statement of [...statements]) {
        const cost = await explainer.explain(statement)
        for (const n of Object.values(cost.reads)) reads += n
        faults.push(...cost.faults)
        plans.push(cost.plan)
      }
      return { rows, reads, faults, plans }
    }

    test.each(lookups)('looks up $name', async (query) => {
      const { rows, reads, faults, plans } = await measure(query)
      expect({ rows, faults }, plans.join('\n')).toEqual({ rows: 1, faults: [] })
      expect(reads, plans.join('\n')).toBeLessThanOrEqual(MAX_READS_PER_ROW)
    })

    test.each([...pages, ...timelines(cheapFilters)])(
      'reads about one page of rows for $name',
      async (query) => {
        const { rows, reads, faults, plans } = await measure(query)
        expect(faults, plans.join('\n')).toEqual([])
        expect(rows).toBeGreaterThan(0)
        expect(reads, plans.join('\n')).toBeLessThanOrEqual(rows * MAX_READS_PER_ROW)
      },
    )

    test.each([...timelines(costlyFilters), ...searches])('limits the rows read for $name', async (query) => {
      const { reads, faults, plans } = await measure(query)
      expect(faults, plans.join('\n')).toEqual([])
      expect(reads, plans.join('\n')).toBeLessThanOrEqual(MAX_READS_PER_REQUEST)
    })
  })
})
