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

/** A full page, as callers get it by default. */
const PAGE = 50
/** A full page costs at most so many looked-up rows for each row of it, those of its joins included. */
const MAX_READS_A_ROW = 5
/** What finds next to nothing gives up after looking at so many rows. */
const MAX_READS_A_REQUEST = 5_000

interface Question {
  name: string
  /** Returns how many rows came back. */
  ask(db: Executor, sample: SampleData): Promise<number>
}

const lookUps: Question[] = [
  { name: 'a user by id', ask: async (db, { hub }) => count(await store.users.find(db, hub)) },
  { name: 'a user by name', ask: async (db, { username }) => count(await store.users.find(db, username)) },
  { name: 'a password', ask: async (db, { hub }) => 1 + count(await store.credentials.find(db, hub)) },
  { name: 'a session', ask: async (db) => count(await store.sessions.find(db, 'token 7')) },
  { name: 'a service key', ask: async (db) => count(await store.serviceKeys.findByHash(db, 'key 7')) },
  { name: 'a conversation', ask: async (db, { deep }) => count(await store.conversations.find(db, deep.id)) },
  {
    name: 'a direct conversation',
    ask: async (db, { directKey }) => count(await store.conversations.findDirect(db, directKey)),
  },
  {
    name: 'where a direct message goes, and whether it may',
    ask: async (db, { directKey, hub, userIds, clientMessageId }) => {
      const senderId = userIds[7] ?? ''
      const target = { directKey, conversationId: null, senderId, recipientId: hub, clientMessageId }
      return (await store.sendTargets.find(db, [target])).length
    },
  },
  {
    name: 'where a message to a group goes, and whether it was sent before',
    ask: async (db, { deep, clientMessageId }) => {
      const target = { directKey: null, conversationId: deep.id, senderId: deep.author, recipientId: null }
      return (await store.sendTargets.find(db, [{ ...target, clientMessageId }])).length
    },
  },
  {
    name: 'how two stand to each other',
    ask: async (db, { hub, userIds }) => count(await store.relationships.find(db, hub, userIds[9] ?? '')),
  },
  {
    name: 'a contact',
    ask: async (db, { hub, userIds }) => count(await store.contacts.find(db, hub, userIds[9] ?? '')),
  },
  {
    name: 'a participant',
    ask: async (db, { deep }) => count(await store.participants.find(db, deep.id, deep.author)),
  },
  {
    name: 'what one may read of a group',
    ask: async (db, { group, userIds }) =>
      (await store.participants.findSpans(db, group, userIds[9] ?? '')).length,
  },
  {
    name: 'how many groups one is in',
    ask: async (db, { userIds }) => store.participants.countGroups(db, userIds[10] ?? ''),
  },
  {
    name: 'a message',
    ask: async (db, { messageIds, hub }) =>
      count(await store.messages.find(db, messageIds[50_000] ?? '', hub)),
  },
  {
    name: 'an earlier send of the same',
    ask: async (db, { deep, clientMessageId }) =>
      count(
        await store.messages.findByClientMessageId(db, {
          conversationId: deep.id,
          senderId: deep.author,
          clientMessageId,
        }),
      ),
  },
]

/** The time that the sample data begins at, and one that a good part of the rows with a time each lie before. */
const WORLD_START = new Date(Date.UTC(2026, 0, 1))
const EARLY = new Date(WORLD_START.getTime() + 2_000)

/** Most of the audit is of one user's acts; each filter alone, and those together that most of a page passes. */
const audits: { name: string; of: (sample: SampleData) => AuditFilter }[] = [
  { name: 'all of it', of: () => ({}) },
  { name: 'by who did it', of: ({ hub }) => ({ actorId: hub }) },
  { name: 'by what was done', of: () => ({ action: 'user.disabled' }) },
  { name: 'by whom it was done to', of: ({ userIds }) => ({ subjectId: userIds[3] ?? '' }) },
  { name: 'since', of: () => ({ since: new Date(WORLD_START.getTime() + 1_000) }) },
  { name: 'by who and what', of: ({ hub }) => ({ actorId: hub, action: 'user.role_changed' }) },
]

const pages: Question[] = [
  { name: 'users', ask: async (db) => (await store.users.list(db, '', PAGE)).rows.length },
  { name: 'users from the middle', ask: async (db) => (await store.users.list(db, 'u2', PAGE)).rows.length },
  {
    name: 'users by a name that forty have',
    ask: async (db) => (await store.users.search(db, 'Zoe', '', PAGE)).rows.length,
  },
  {
    name: 'users by a name that every third has',
    ask: async (db) => (await store.users.search(db, 'anna', '', PAGE)).rows.length,
  },
  {
    name: 'users by a name that every third has, from the middle',
    ask: async (db) => (await store.users.search(db, 'anna', 'u2', PAGE)).rows.length,
  },
  {
    name: 'users by the beginning of all usernames',
    ask: async (db) => (await store.users.search(db, 'u', '', PAGE)).rows.length,
  },
  {
    name: 'users by ids',
    ask: async (db, { userIds }) =>
      (await store.users.findMany(db, userIds.slice(1_000, 1_000 + PAGE))).length,
  },
  {
    name: 'users that are counted',
    ask: async (db) => (await store.statistics.countUsers(db, FIRST_USER_ID, PAGE)).rows,
  },
  {
    name: 'users that are counted, from the middle',
    ask: async (db, { userIds }) => (await store.statistics.countUsers(db, userIds[1_000] ?? '', PAGE)).rows,
  },
  {
    name: 'conversations that are counted, from the middle',
    ask: async (db, { conversationIds }) =>
      (await store.statistics.countConversations(db, conversationIds[1_000] ?? '', PAGE)).rows,
  },
  { name: 'inbox', ask: async (db, { hub }) => (await store.inbox.list(db, hub, newest, PAGE)).length },
  {
    name: 'inbox from the middle',
    ask: async (db, { hub, late }) => (await store.inbox.list(db, hub, { ...newest, at: late }, PAGE)).length,
  },
  {
    name: 'correspondents',
    ask: async (db, { hub }) => (await store.inbox.listCorrespondents(db, hub, newest, PAGE)).length,
  },
  {
    name: 'correspondents from the middle',
    ask: async (db, { hub, late }) =>
      (await store.inbox.listCorrespondents(db, hub, { ...newest, at: late }, PAGE)).length,
  },
  ...(['accepted', 'incoming', 'outgoing'] as const).flatMap((state) =>
    [newest, { ...newest, at: new Date(Date.UTC(2026, 0, 1) + 200) }].map((before, page) => ({
      name: `${state} contacts, ${page === 0 ? 'from the newest' : 'from the middle'}`,
      ask: async (db: Executor, { hub }: SampleData) =>
        (await store.contacts.list(db, { userId: hub, state, before, limit: PAGE })).length,
    })),
  ),
  { name: 'blocks', ask: async (db, { hub }) => (await store.blocks.list(db, hub, newest, PAGE)).length },
  {
    name: 'blocks between one and some others, on the side of who made them',
    ask: async (db, { hub, userIds }) =>
      (await store.blocks.findBetween(db, hub, userIds.slice(100, 200))).size,
  },
  {
    name: 'blocks between one and some others, on the other side',
    ask: async (db, { userIds }) =>
      (await store.blocks.findBetween(db, userIds[8] ?? '', userIds.slice(0, 100))).size,
  },
  {
    name: 'sessions that are not over',
    ask: async (db, { hub }) => (await store.sessions.list(db, hub, WORLD_START, newest, PAGE)).length,
  },
  { name: 'invitations', ask: async (db) => (await store.invitations.list(db, newest, PAGE)).length },
  {
    name: 'invitations from the middle',
    ask: async (db) => (await store.invitations.list(db, { ...newest, at: EARLY }, PAGE)).length,
  },
  ...audits.flatMap(({ name, of }) =>
    [newest, { ...newest, at: EARLY }].map((before, page) => ({
      name: `the audit, ${name}, ${page === 0 ? 'from the newest' : 'from the middle'}`,
      ask: async (db: Executor, sample: SampleData) =>
        (await store.audit.list(db, of(sample), before, PAGE)).length,
    })),
  ),
  {
    name: 'the participants of a group',
    ask: async (db, { group }) =>
      (await store.participants.listMembers(db, group, FIRST_USER_ID, PAGE)).length,
  },
  {
    name: 'the participants of a group from the middle',
    ask: async (db, { group, userIds }) =>
      (await store.participants.listMembers(db, group, userIds[150] ?? '', PAGE)).length,
  },
  {
    name: 'everybody who was ever in a group',
    ask: async (db, { group }) => (await store.participants.findStays(db, [group])).length,
  },
  {
    name: 'a group that two are in',
    ask: async (db, { hub, userIds }) =>
      Number(await store.participants.shareGroup(db, userIds[10] ?? '', hub)),
  },
  {
    name: 'when a late message of the longest conversation was delivered and read',
    ask: async (db, { deep }) =>
      (
        await store.receipts.findTimes(db, {
          conversationId: deep.id,
          userIds: [deep.author, deep.reader],
          seq: Math.floor(0.999 * deep.lastSeq),
        })
      ).length,
  },
  { name: 'service keys', ask: async (db) => (await store.serviceKeys.list(db, newest, PAGE)).length },
  {
    name: 'service keys from the middle',
    ask: async (db) => {
      const [, middle] = await store.serviceKeys.list(db, newest, 2)
      return middle
        ? (await store.serviceKeys.list(db, { at: middle.created_at, id: middle.id }, PAGE)).length
        : 0
    },
  },
  {
    name: 'what one has sent, tombstones too, oldest first',
    ask: async (db, { hub, middle }) =>
      (await store.erasure.listSent(db, hub, { at: middle, id: FIRST_USER_ID }, PAGE)).length,
  },
  {
    name: 'messages that are older than they are kept',
    ask: async (db, { middle, late }) =>
      (await store.erasure.listOlder(db, { at: middle, id: FIRST_USER_ID }, late, PAGE)).length,
  },
  {
    name: 'stays of an export',
    ask: async (db, { hub }) =>
      (await store.userData.listStays(db, hub, { conversationId: FIRST_USER_ID, firstEventId: 0 }, PAGE))
        .length,
  },
  {
    name: 'conversations whose receipts are forgotten',
    ask: async (db, { hub }) =>
      (await store.erasure.listConversationIds(db, hub, FIRST_USER_ID, PAGE)).length,
  },
  {
    name: 'participants of conversations',
    ask: async (db, { conversationIds }) =>
      (await store.participants.findMembers(db, conversationIds.slice(1_000, 1_000 + PAGE))).length,
  },
  {
    name: 'last messages of conversations',
    ask: async (db, { conversationIds, hub }) =>
      (await store.messages.findLastOfEach(db, conversationIds.slice(1_000, 1_000 + PAGE), hub)).length,
  },
  {
    name: 'messages by ids',
    ask: async (db, { messageIds, hub }) =>
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
      ask: async (db: Executor, { deep }: SampleData) => {
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
]

const sources: Record<string, (sample: SampleData) => Source[]> = {
  everything: () => [{ by: 'all' }],
  'what one has sent': ({ hub }) => [{ by: 'sender', userId: hub }],
  'what one has sent, all of one kind': ({ deep }) => [{ by: 'sender', userId: deep.author }],
  'what one has received': ({ hub }) => [{ by: 'recipient', userId: hub }],
  'what one has sent or received': ({ hub }) => [
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
  of(sample: SampleData): TimelineFilter
}

/** What most messages pass, or an index finds. */
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

function timelines(filters: readonly NamedFilter[]): Question[] {
  return Object.entries(sources).flatMap(([from, toSources]) =>
    filters.flatMap((filter) =>
      ['from the newest', 'from the middle'].map((where) => ({
        name: `${from}: ${filter.name}, ${where}`,
        ask: async (db: Executor, sample: SampleData) => {
          const chosen = toSources(sample)
          const tie = chosen[0]?.by === 'conversation' ? Number.MAX_SAFE_INTEGER : newest.id
          const before = where === 'from the middle' ? { at: sample.later, tie } : undefined
          return (await store.timeline.list(db, chosen, filter.of(sample), before, PAGE)).ids.length
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

/** In this order: the first one on SQLite is what a server has that never analyzes. */
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

    async function measure(question: Question) {
      statements = []
      const rows = await question.ask(database.db, sample)
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

    test.each(lookUps)('looks up $name', async (question) => {
      const { rows, reads, faults, plans } = await measure(question)
      expect({ rows, faults }, plans.join('\n')).toEqual({ rows: 1, faults: [] })
      expect(reads, plans.join('\n')).toBeLessThanOrEqual(MAX_READS_A_ROW)
    })

    test.each([...pages, ...timelines(cheapFilters)])('a page of $name', async (question) => {
      const { rows, reads, faults, plans } = await measure(question)
      expect(faults, plans.join('\n')).toEqual([])
      expect(rows).toBeGreaterThan(0)
      expect(reads, plans.join('\n')).toBeLessThanOrEqual(rows * MAX_READS_A_ROW)
    })

    test.each(timelines(costlyFilters))('$name', async (question) => {
      const { reads, faults, plans } = await measure(question)
      expect(faults, plans.join('\n')).toEqual([])
      expect(reads, plans.join('\n')).toBeLessThanOrEqual(MAX_READS_A_REQUEST)
    })
  })
})
