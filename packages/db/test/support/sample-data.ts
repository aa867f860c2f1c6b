import { type Dialect, type EmptyDatabase, withPostgres } from '@sotto/testing/internal/databases'
import Sqlite from 'better-sqlite3'
import { directKey } from '../../src/index.ts'

/*
 * A hundred thousand messages, identical on both databases and in every run.
 *
 * Extreme cases are included on purpose: a user with very many conversations, a very long conversation, and
 * combinations of filters that match almost nothing.
 */

export interface SampleData {
  /** A user with 3,000 direct conversations. */
  hub: string
  /** The longest conversation. In it, `author` has sent 20,000 texts and `reader` 10,000 messages of all kinds. */
  deep: { id: string; author: string; reader: string; lastSeq: number }
  /** A clientMessageId of `author` in the longest conversation. */
  clientMessageId: string
  /** The key of one of `hub`'s conversations. */
  directKey: string
  /** A group of four with 1,000 messages. After those, 300 users joined and 100 of them left. */
  group: string
  userIds: string[]
  conversationIds: string[]
  messageIds: string[]
  username: string
  /** At 50, 70 and 90 percent of the time range. */
  middle: Date
  later: Date
  late: Date
}

const USERS = 4_000
const HUB_CONVERSATIONS = 3_000
const HUB_MESSAGES = 10
const DEEP_MESSAGES = 30_000
const OTHER_CONVERSATIONS = 6_000
const OTHER_MESSAGES = 7
const GROUP_MESSAGES = 1_000
const START = Date.UTC(2026, 0, 1)

type Value = string | number | Date | null
export type Row = Record<string, Value>
export interface Table {
  name: string
  rows: Row[]
}

interface Conversation {
  id: string
  members: number[]
  directKey: string | null
  lastSeq: number
  activeAt: number
  sent: Map<number, number>
}

/** The linear congruential generator of Numerical Recipes: the same numbers everywhere, from 0 up to 1. */
function createRandom(): () => number {
  let state = 20_261_121
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Ids look like real ones and ascend with `n`. */
function uuid(table: number, n: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  return `019b0000-${hex(n >>> 12, 4)}-7${hex(n & 0xfff, 3)}-8${hex(table, 3)}-${hex(n, 12)}`
}

const userId = (n: number) => uuid(1, n)

/** @param share the fraction to create: 1 for all, 0.02 for tests that scan everything */
export function createSampleData(share = 1): { tables: Table[]; sample: SampleData } {
  const random = createRandom()
  const userCount = USERS * share
  const users: Table = { name: 'users', rows: [] }
  for (let n = 0; n < userCount; n++) {
    // A third are called Anna, and every hundredth is called Zoe. Usernames are unrelated to names.
    const name = n % 100 === 50 ? `Zoe ${n}` : n % 3 === 0 ? `Anna ${n}` : `Someone ${n}`
    users.rows.push({
      id: userId(n),
      username: `u${String(Math.imul(n + 1, 2_654_435_761) >>> 0).padStart(10, '0')}`,
      display_name: name,
      display_name_key: name.toLowerCase(),
      email: `user${n}@example.com`,
      email_key: `user${n}@example.com`,
      role: 'user',
      created_at: new Date(START),
      updated_at: new Date(START),
    })
  }
  const sessions: Table = { name: 'sessions', rows: [] }
  const keys: Table = { name: 'service_keys', rows: [] }
  const invitations: Table = { name: 'invitations', rows: [] }
  const audit: Table = { name: 'audit', rows: [] }
  for (let n = 0; n < userCount; n++) {
    sessions.rows.push({
      id: uuid(2, n),
      user_id: userId(n),
      token_hash: `token ${n}`,
      created_at: new Date(START),
      last_used_at: new Date(START),
      expires_at: new Date(START),
    })
    keys.rows.push({
      id: uuid(3, n),
      name: 'key',
      key_hash: `key ${n}`,
      scopes: 'read',
      created_at: new Date(START + n),
    })
    invitations.rows.push({
      id: uuid(6, n),
      token_hash: `invitation ${n}`,
      uses: 0,
      max_uses: 1,
      created_at: new Date(START + n),
      expires_at: new Date(START + n),
    })
    // Most entries are of the same admin and the same action.
    audit.rows.push({
      id: uuid(7, n),
      actor_kind: 'user',
      actor_id: userId(n % 10 === 0 ? 1 : 0),
      acting_for_id: null,
      action: n % 5 === 0 ? 'user.disabled' : 'user.role_changed',
      subject_id: userId(n % 100),
      address: null,
      request_id: null,
      created_at: new Date(START + n),
    })
  }

  // The hub has the maximum number of sessions. Half of them have expired.
  for (let n = 0; n < 100; n++) {
    const expiresAt = n % 2 === 0 ? START : START + 1_000
    sessions.rows.push({
      id: uuid(2, userCount + n),
      user_id: userId(0),
      token_hash: `token of the hub ${n}`,
      created_at: new Date(START + n),
      last_used_at: new Date(START),
      expires_at: new Date(expiresAt),
    })
  }

  // Every user is in the hub's contacts in some state, and the hub has blocked half of them.
  const contacts: Table = { name: 'contacts', rows: [] }
  const blocks: Table = { name: 'blocks', rows: [] }
  for (let n = 1; n < userCount; n++) {
    const at = new Date(START + Math.floor(n / 10))
    const [state = '', mirrored = ''] =
      [
        ['accepted', 'accepted'],
        ['incoming', 'outgoing'],
        ['outgoing', 'incoming'],
      ][n % 3] ?? []
    contacts.rows.push(
      { user_id: userId(0), contact_id: userId(n), state, changed_at: at },
      { user_id: userId(n), contact_id: userId(0), state: mirrored, changed_at: at },
    )
    if (n % 2 === 0) blocks.rows.push({ user_id: userId(0), blocked_id: userId(n), created_at: at })
  }

  const conversations: Conversation[] = []
  const known = new Set<string>()
  function open(members: number[], isDirect = true): Conversation | undefined {
    const [a = 0, b = 0] = members
    const key = directKey(userId(a), userId(b))
    if (isDirect && known.has(key)) return undefined
    known.add(key)
    const conversation: Conversation = {
      id: uuid(4, conversations.length),
      members,
      directKey: isDirect ? key : null,
      lastSeq: 0,
      activeAt: START,
      sent: new Map(),
    }
    conversations.push(conversation)
    return conversation
  }

  // The sender and conversation of each message. The shuffle below mixes them in time.
  const sends: { conversation: Conversation; sender: number }[] = []
  function fill(conversation: Conversation | undefined, count: number, firstShare: number): void {
    if (!conversation) return
    for (let n = 0; n < count; n++) {
      const sender = n / count < firstShare ? 0 : 1
      sends.push({ conversation, sender: conversation.members[sender] ?? 0 })
    }
  }
  const deep = open([1, 2])
  const group = open([0, 1, 2, 3], false)
  fill(deep, DEEP_MESSAGES * share, 2 / 3)
  fill(group, GROUP_MESSAGES * share, 1 / 2)
  for (let n = 0; n < HUB_CONVERSATIONS * share; n++) fill(open([0, n + 1]), HUB_MESSAGES, 1 / 2)
  fill(open([0, 0]), 100, 1)
  for (let n = 0; n < OTHER_CONVERSATIONS * share; n++) {
    const a = 3 + Math.floor(random() * (userCount - 3))
    const b = 3 + Math.floor(random() * (userCount - 3))
    if (a !== b) fill(open([a, b]), OTHER_MESSAGES, 1 / 2)
  }
  for (let n = sends.length - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1))
    const [x, y] = [sends[n], sends[other]]
    if (x && y) [sends[n], sends[other]] = [y, x]
  }

  const names: Table = { name: 'conversation_names', rows: [] }
  const clientKeys: Table = { name: 'conversation_keys', rows: [] }
  for (let n = 0; n < userCount; n++) {
    const at = new Date(START)
    names.rows.push({ conversation_id: uuid(4, n), event_id: n + 1, name: `Name ${n}`, replaced_at: at })
    clientKeys.rows.push({
      creator_id: userId(n),
      client_conversation_id: `client ${n}`,
      conversation_id: uuid(4, n),
      content_hash: 'hash',
    })
  }

  const messages: Table = { name: 'messages', rows: [] }
  const reactions: Table = { name: 'reactions', rows: [] }
  const messageIds: string[] = []
  let at = START
  for (const [n, { conversation, sender }] of sends.entries()) {
    // Several messages share a millisecond.
    at += Math.floor(random() * 4) * 250
    const id = uuid(5, n)
    const die = random()
    // The author of the longest conversation sends only texts.
    const kind = sender === 1 || die < 0.9 ? 'text' : die < 0.98 ? 'image' : 'video'
    const [a = 0, b = 0] = conversation.members
    const isReacted = n % 20 === 0
    messageIds.push(id)
    messages.rows.push({
      id,
      conversation_id: conversation.id,
      seq: ++conversation.lastSeq,
      sender_id: userId(sender),
      recipient_id: conversation.directKey ? userId(sender === a ? b : a) : null,
      kind,
      text: kind === 'text' ? `message ${n}: something of the usual length, neither long nor short` : null,
      media: kind === 'text' ? null : '{"url":"https://example.com/media"}',
      client_message_id: n % 2 === 0 ? `client ${n}` : null,
      content_hash: n % 2 === 0 ? 'hash' : null,
      reactions: isReacted ? '[["👍",1]]' : null,
      created_at: new Date(at),
      edited_at: null,
      deleted_at: null,
    })
    if (isReacted)
      reactions.rows.push({ message_id: id, user_id: userId(b), emoji: '👍', created_at: new Date(at) })
    conversation.activeAt = at
    conversation.sent.set(sender, (conversation.sent.get(sender) ?? 0) + 1)
  }

  const participants: Table = { name: 'participants', rows: [] }
  const receipts: Table = { name: 'receipts', rows: [] }
  for (const { id, members, directKey: key, lastSeq, activeAt, sent } of conversations) {
    for (const user of new Set(members)) {
      const readSeq = Math.floor(lastSeq * (random() < 0.8 ? 1 : random()))
      participants.rows.push({
        conversation_id: id,
        user_id: userId(user),
        role: 'member',
        read_seq: readSeq,
        delivered_seq: lastSeq,
        skipped_count: 0,
        sent_count: sent.get(user) ?? 0,
        joined_at: new Date(START),
        after_seq: 0,
        until_seq: null,
        first_event_id: 0,
        last_event_id: null,
        left_at: null,
        active_at: key ? new Date(activeAt) : null,
      })
      const step = Math.max(5, Math.floor(lastSeq / 300))
      for (let seq = step; seq <= lastSeq; seq += step) {
        for (const kind of seq <= readSeq ? ['delivered', 'read'] : ['delivered']) {
          receipts.rows.push({
            conversation_id: id,
            user_id: userId(user),
            kind,
            seq,
            receipt_at: new Date(activeAt),
          })
        }
      }
    }
  }
  if (!deep || !group) throw new Error('both conversations must exist')
  for (let n = 4; n < Math.min(304, userCount); n++) {
    const hasLeft = n % 3 === 0
    participants.rows.push({
      conversation_id: group.id,
      user_id: userId(n),
      role: 'member',
      read_seq: group.lastSeq,
      delivered_seq: group.lastSeq,
      skipped_count: 0,
      sent_count: 0,
      joined_at: new Date(at),
      after_seq: group.lastSeq,
      until_seq: hasLeft ? group.lastSeq : null,
      first_event_id: n,
      last_event_id: hasLeft ? n + 1 : null,
      left_at: hasLeft ? new Date(at) : null,
      active_at: null,
    })
  }
  const deepSend = messages.rows.find(
    (row) => row.conversation_id === deep.id && row.sender_id === userId(1) && row.client_message_id,
  )
  return {
    tables: [
      users,
      sessions,
      keys,
      invitations,
      audit,
      contacts,
      blocks,
      {
        name: 'conversations',
        rows: conversations.map(({ id, members, directKey: key, lastSeq, activeAt }) => ({
          id,
          kind: key ? 'direct' : 'group',
          name: key ? null : 'group',
          direct_key: key,
          last_seq: lastSeq,
          participant_count: new Set(members).size,
          created_at: new Date(START),
          updated_at: new Date(activeAt),
        })),
      },
      names,
      clientKeys,
      participants,
      messages,
      reactions,
      receipts,
    ],
    sample: {
      hub: userId(0),
      deep: { id: deep.id, author: userId(1), reader: userId(2), lastSeq: deep.lastSeq },
      clientMessageId: String(deepSend?.client_message_id),
      directKey: directKey(userId(0), userId(7)),
      group: group.id,
      userIds: users.rows.map((row) => String(row.id)),
      conversationIds: conversations.map((conversation) => conversation.id),
      messageIds,
      username: String(users.rows[7]?.username),
      middle: new Date(START + (at - START) / 2),
      later: new Date(START + (at - START) * 0.7),
      late: new Date(START + (at - START) * 0.9),
    },
  }
}

/** Fills an empty database that has the schema. Uses large statements without a query builder, so it takes seconds. */
export async function insertSampleData(
  using: Dialect,
  { url, file }: EmptyDatabase,
  tables: readonly Table[],
): Promise<void> {
  if (using === 'sqlite') insertIntoFile(file, tables)
  else await insertIntoPostgres(url, tables)
}

function insertIntoFile(file: string, tables: readonly Table[]): void {
  const database = new Sqlite(file)
  try {
    database.exec('begin')
    for (const { name, rows } of tables) {
      const columns = Object.keys(rows[0] ?? {})
      const insert = database.prepare(
        `insert into ${name} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
      )
      for (const row of rows) {
        insert.run(
          columns.map((column) => (row[column] instanceof Date ? row[column].getTime() : row[column])),
        )
      }
    }
    database.exec('commit')
  } finally {
    database.close()
  }
}

const ROWS_PER_STATEMENT = 10_000

async function insertIntoPostgres(url: string, tables: readonly Table[]): Promise<void> {
  await withPostgres(url, async (client) => {
    // Skips foreign key checks, which would take longer than everything else.
    await client.query('set session_replication_role = replica')
    for (const { name, rows } of tables) {
      const columns = Object.keys(rows[0] ?? {}).join(', ')
      for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
        await client.query(
          `insert into ${name} (${columns}) select ${columns} from json_populate_recordset(null::${name}, $1)`,
          // JSON columns must hold JSON, not strings.
          [JSON.stringify(rows.slice(from, from + ROWS_PER_STATEMENT).map(parseJson))],
        )
      }
    }
  })
}

function parseJson(row: Record<string, Value>) {
  const parsed: Record<string, unknown> = { ...row }
  for (const column of ['media', 'reactions']) {
    if (typeof row[column] === 'string') parsed[column] = JSON.parse(row[column])
  }
  return parsed
}

/** Updates the planner's statistics and, on PostgreSQL, the visibility map, as autovacuum does. */
export async function analyze(using: Dialect, { url, file }: EmptyDatabase): Promise<void> {
  if (using === 'postgres') {
    await withPostgres(url, (client) => client.query('vacuum analyze'))
    return
  }
  const database = new Sqlite(file)
  database.exec('analyze')
  database.close()
}
