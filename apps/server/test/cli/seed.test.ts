import { randomBytes } from 'node:crypto'
import { contract } from '@sotto/contract'
import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  queryPostgres,
  sotto,
  sottoOnTerminal,
  startSotto,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { type DatabaseContents, inconsistencies, readContents } from './support/database-contents.ts'

const dialects = ['sqlite', 'postgres'] as const
const large = ['seed', '--users', '60', '--messages', '21000', '--conversations', '300']

function summary(contents: DatabaseContents) {
  return [contents.users.length, contents.conversations.length, contents.messages.length]
}

describe('the small data set', () => {
  test.each(dialects)('is consistent, varied and created only once on %s', async (using) => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url }

    const seeded = await sotto(['seed'], settings)
    expect(seeded).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Seeded in .*\b12 users\b.*\n$/) })
    const contents = await readContents(database.url)
    expect(inconsistencies(contents)).toEqual([])
    expectVariety(contents)

    const again = await sotto(['seed'], settings)
    expect(again).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('already') })
    expect(await readContents(database.url)).toEqual(contents)
  })

  test('is the same on both databases', async () => {
    await using sqlite = await createEmptyDatabase('sqlite')
    await using postgres = await createEmptyDatabase('postgres')
    await sotto(['seed'], { DATABASE_URL: sqlite.url })
    await sotto(['seed'], { DATABASE_URL: postgres.url })
    expect(await readContents(postgres.url)).toEqual(await readContents(sqlite.url))
  })

  test('can be read through a server', async () => {
    await using database = await createEmptyDatabase('sqlite')
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_for-this-test' }
    await sotto(['seed'], settings)
    await using server = await startSotto(settings)
    const client = createClient({ url: server.url, token: settings.SOTTO_SERVICE_KEY })

    const { items: users } = await client.users.list()
    for (const user of users) {
      const inbox = await client.as(user.username).conversations.list({})
      expect(() => contract.conversations.list.output.parse(inbox)).not.toThrow()
      for (const { id } of inbox.items) {
        const page = await client.as(user.username).conversations.messages({ conversationId: id })
        expect(() => contract.conversations.messages.output.parse(page)).not.toThrow()
        expect(page.items.length).toBeGreaterThan(0)
      }
    }
  })
})

/** Checks that the data set has an example of every feature. */
function expectVariety(contents: DatabaseContents): void {
  const { messages, conversations, participants } = contents
  expect(conversations.length).toBeGreaterThanOrEqual(20)
  expect(Math.max(...conversations.map((conversation) => conversation.last_seq))).toBeGreaterThan(50)
  expect(Math.min(...conversations.map((conversation) => conversation.last_seq))).toBeLessThan(3)
  const sources = messages.map((message) => (message.media && JSON.parse(message.media).source) ?? null)
  expect(sources).toEqual(expect.arrayContaining(['youtube', 'vimeo', 'vevo']))
  expect(messages.some((message) => message.kind === 'image' && JSON.parse(message.media ?? '{}').alt)).toBe(
    true,
  )
  expect(messages.some((message) => message.deleted_at)).toBe(true)
  expect(messages.some((message) => message.edited_at)).toBe(true)
  const emojis = new Set(contents.reactions.map((reaction) => reaction.emoji))
  expect(emojis.has('👍')).toBe(true)
  expect(emojis.size).toBeGreaterThan(4)
  for (const script of [
    /\p{Script=Arabic}/u,
    /\p{Script=Hebrew}/u,
    /\p{Script=Han}/u,
    /\p{Script=Cyrillic}/u,
  ]) {
    expect(messages.some((message) => script.test(message.text ?? ''))).toBe(true)
  }
  expect(messages.some((message) => message.sender_id === message.recipient_id)).toBe(true)
  const lastSeq = new Map(
    contents.conversations.map((conversation) => [conversation.id, conversation.last_seq]),
  )
  const unreadOf = (participant: (typeof participants)[number]) =>
    (lastSeq.get(participant.conversation_id) ?? 0) - participant.read_seq - participant.skipped_count
  expect(participants.some((participant) => unreadOf(participant) > 0)).toBe(true)
  expect(participants.some((participant) => unreadOf(participant) === 0 && participant.read_seq > 0)).toBe(
    true,
  )
  expect(participants.some((participant) => participant.delivered_seq > participant.read_seq)).toBe(true)
  expect(contents.users.every((user) => user.password_hash === null)).toBe(true)
  // The demo of the first start creates these two.
  expect(contents.users.map((user) => user.username)).not.toContain('alice')
  expect(contents.users.map((user) => user.username)).not.toContain('bob')
}

describe('a large data set', () => {
  test('is consistent, has the requested size, and is the same on both databases', async () => {
    await using sqlite = await createEmptyDatabase('sqlite')
    await using postgres = await createEmptyDatabase('postgres')
    const seeded = await sotto(large, { DATABASE_URL: sqlite.url })
    expect(seeded).toMatchObject({ code: 0, stdout: expect.stringContaining('21,000 messages') })
    expect((await sotto(large, { DATABASE_URL: postgres.url })).code).toBe(0)

    const contents = await readContents(sqlite.url)
    expect(summary(contents)).toEqual([60, 300, 21_000])
    expect(inconsistencies(contents)).toEqual([])
    expect(await readContents(postgres.url)).toEqual(contents)

    const again = await sotto(large, { DATABASE_URL: postgres.url })
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('already') })
    expect(await readContents(postgres.url)).toEqual(contents)
  })

  test.each(dialects)(
    'can have a single conversation, and be added to the small data set of a running server on %s',
    async (using) => {
      await using database = await createEmptyDatabase(using)
      const settings = { DATABASE_URL: database.url }
      await using server = await startSotto(settings)
      await sotto(['seed'], settings)
      const args = ['seed', '--users', '2', '--messages', '500', '--conversations', '1']
      expect(await sotto(args, settings)).toMatchObject({ code: 0 })
      const contents = await readContents(database.url)
      expect(inconsistencies(contents)).toEqual([])
      expect(Math.max(...contents.conversations.map((conversation) => conversation.last_seq))).toBe(500)
      expect(await server.stop()).toBe(0)
    },
  )

  test('needs no privileges beyond owning the database', async () => {
    await using database = await createEmptyDatabase('postgres')
    const [name, role] = [new URL(database.url).pathname.slice(1), `owner_${randomBytes(4).toString('hex')}`]
    const admin = process.env.SOTTO_TEST_POSTGRES_URL ?? ''
    await queryPostgres(admin, `create role ${role} login password '${role}'`)
    try {
      await queryPostgres(admin, `alter database ${name} owner to ${role}`)
      const url = Object.assign(new URL(database.url), { username: role, password: role })
      const args = ['seed', '--users', '9', '--messages', '900']
      expect(await sotto(args, { DATABASE_URL: url.href })).toMatchObject({ code: 0 })
      expect(inconsistencies(await readContents(database.url))).toEqual([])
    } finally {
      await queryPostgres(admin, `drop database ${name} with (force)`)
      await queryPostgres(admin, `drop role ${role}`)
    }
  })

  test('has a largest conversation of the requested size', async () => {
    await using database = await createEmptyDatabase('sqlite')
    const args = ['seed', '--users', '9', '--messages', '900', '--conversations', '36']
    await sotto([...args, '--largest-conversation', '700'], { DATABASE_URL: database.url })
    const contents = await readContents(database.url)
    expect(inconsistencies(contents)).toEqual([])
    expect(summary(contents)).toEqual([9, 36, 900])
    expect(Math.max(...contents.conversations.map((conversation) => conversation.last_seq))).toBe(700)
  })

  test('shows a progress bar on a terminal', async () => {
    await using database = await createEmptyDatabase('sqlite')
    const args = ['seed', '--users', '9', '--messages', '2000', '--conversations', '36']
    const { code, screen } = await sottoOnTerminal(args, { DATABASE_URL: database.url })
    expect(code).toBe(0)
    expect(screen).toMatch(/\r\S*[█░]{30} +\d+ % +[\d,]+ of 2,000 messages/)
    expect(screen).toContain('Seeded in ')
  })
})

describe('the consistency check', () => {
  test('finds broken data', async () => {
    await using database = await createEmptyDatabase('postgres')
    await sotto(['seed'], { DATABASE_URL: database.url })
    const statements: readonly string[] = [
      'update participants set skipped_count = skipped_count + 1 where read_seq > 0',
      'update participants set sent_count = sent_count + 1 where sent_count > 50',
      'update conversations set last_seq = last_seq + 1 where last_seq = 5',
      "update conversations set updated_at = updated_at + interval '1 ms' where last_seq = 5",
      "update messages set created_at = created_at - interval '1 day' where seq = 3",
      'delete from reactions',
      "delete from receipts where kind = 'delivered'",
      "delete from events where type = 'message.created' and seq = 2",
    ]
    for (const statement of statements) {
      const broken = await readBroken(database.url, statement)
      expect(inconsistencies(broken), statement).not.toEqual([])
    }
    expect(inconsistencies(await readContents(database.url))).toEqual([])
  })
})

/** Runs the statement on a temporary copy of the database and returns the contents of the copy. */
async function readBroken(url: string, statement: string): Promise<DatabaseContents> {
  const copy = new URL(url)
  copy.pathname += '_copy'
  const [name, original] = [copy.pathname.slice(1), new URL(url).pathname.slice(1)]
  const admin = process.env.SOTTO_TEST_POSTGRES_URL ?? ''
  await queryPostgres(admin, `create database ${name} template ${original}`)
  try {
    await queryPostgres(copy.href, statement)
    return await readContents(copy.href)
  } finally {
    await queryPostgres(admin, `drop database ${name} with (force)`)
  }
}
