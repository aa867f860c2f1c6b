import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { openDatabase } from '@sotto/db'
import { sql } from 'kysely'
import { type Contender, compare } from './compare.ts'
import { type BenchDatabase, databaseFactories } from './databases.ts'
import { drive, type HttpClient, httpClient } from './load.ts'
import { SERVICE_KEY, serverMain, startServer } from './server-process.ts'
import { formatInteger, printTable } from './table.ts'

const CONCURRENCY = 8
/** Messages in the measured conversation. As many again are in other conversations. */
const SMALL = 1_000
const LARGE = 1_000_000

/** Measures what a page, an inbox and a send cost with a million messages, relative to a thousand. */
export async function measureScale(
  kind: keyof typeof databaseFactories,
  settings: { seconds: number; rounds: number },
): Promise<void> {
  await using small = await prepare(kind, SMALL, { users: 20, conversations: 180 })
  await using large = await prepare(kind, LARGE, { users: 2_000, conversations: 18_000 })
  await using smallServer = await startServer(small.database.url)
  await using largeServer = await startServer(large.database.url)
  await using smallClient = httpClient(smallServer.url, CONCURRENCY, headers)
  await using largeClient = httpClient(largeServer.url, CONCURRENCY, headers)
  const smallCalls = callsIn(small, smallClient, SMALL)
  const largeCalls = callsIn(large, largeClient, LARGE)

  const rows: string[][] = []
  for (const [name, call] of Object.entries(largeCalls)) {
    const baselineCall = smallCalls[name]
    if (!baselineCall) throw new Error(`${name} has no baseline`)
    const baseline: Contender = { name, run: (load) => drive(load, baselineCall) }
    const contender: Contender = { name, run: (load) => drive(load, call) }
    const load = { concurrency: CONCURRENCY, seconds: settings.seconds }
    const [result] = await compare(baseline, [contender], load, settings.rounds)
    if (!result) throw new Error('there must be one result')
    rows.push([
      name,
      formatInteger(result.baseline.perSecond),
      formatInteger(result.figures.perSecond),
      result.baseline.p50.toFixed(2),
      result.figures.p50.toFixed(2),
      (1 / result.ratio).toFixed(2),
    ])
  }
  printTable(
    [
      `${small.database.name}: ${formatInteger(SMALL)} / ${formatInteger(LARGE)}`,
      'per second',
      'per second',
      'p50 ms',
      'p50 ms',
      'cost',
    ],
    rows,
  )
}

const headers = { authorization: `Bearer ${SERVICE_KEY}`, 'content-type': 'application/json' }

/** With both counts, a user has about 18 conversations, so the requested inbox has the same size. */
interface Counts {
  users: number
  conversations: number
}

interface Prepared extends AsyncDisposable {
  database: BenchDatabase
  conversationId: string
  /** The users of the largest conversation. The second has read nothing in it. */
  users: readonly [string, string]
}

/**
 * Creates a database with half of the messages in one conversation, all of them unread by one user, and half in the
 * others.
 */
async function prepare(
  kind: keyof typeof databaseFactories,
  messages: number,
  counts: Counts,
): Promise<Prepared> {
  const database = await databaseFactories[kind]()
  await promisify(execFile)(
    process.execPath,
    [
      serverMain,
      'seed',
      ...['--users', String(counts.users), '--conversations', String(counts.conversations)],
      ...['--messages', String(2 * messages), '--largest-conversation', String(messages)],
    ],
    { env: { ...process.env, DATABASE_URL: database.url, LOG_LEVEL: 'error' } },
  )
  const { conversationId, userIds } = await leaveUnread(database.url)
  const [first = '', second = ''] = userIds
  return {
    database,
    conversationId,
    users: [first, second],
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

async function leaveUnread(url: string): Promise<{ conversationId: string; userIds: string[] }> {
  await using opened = await openDatabase({ url })
  const { db } = opened
  const { id } = await db
    .selectFrom('conversations')
    .select(['id', 'last_seq'])
    .orderBy('last_seq', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  const members = await db
    .selectFrom('participants')
    .select(['user_id', 'sent_count'])
    .where('conversation_id', '=', id)
    .orderBy('sent_count', 'desc')
    .execute()
  const [sender, reader] = members
  if (!sender || !reader) throw new Error('the largest conversation must have two participants')
  await db
    .updateTable('participants')
    .set({ read_seq: 0, skipped_count: reader.sent_count })
    .where('conversation_id', '=', id)
    .where('user_id', '=', reader.user_id)
    .execute()
  // Updates the planner's statistics, as autovacuum would after a while.
  await sql`analyze`.execute(db)
  return { conversationId: id, userIds: [sender.user_id, reader.user_id] }
}

function callsIn(
  { conversationId, users: [sender, reader] }: Prepared,
  client: HttpClient,
  messages: number,
): Record<string, () => Promise<void>> {
  const list = `/v1/conversations/${conversationId}/messages`
  const get = (path: string, as?: string) => () =>
    client.call({ method: 'GET', path, ...(as && { headers: { 'act-as': as } }) })
  return {
    'newest page of 50': get(`${list}?limit=50`),
    'a page by number, halfway': get(`${list}?page=${messages / 100}&pageSize=50`),
    'the oldest page of 50': get(`${list}?after=0&limit=50`),
    'the inbox, all unread': get('/v1/conversations?limit=10', reader),
    'own messages, across conversations': get('/v1/messages?limit=50', sender),
    send: () =>
      client.call({
        method: 'POST',
        path: '/v1/messages',
        body: JSON.stringify({ from: sender, to: reader, text: 'How are you?' }),
      }),
  }
}
