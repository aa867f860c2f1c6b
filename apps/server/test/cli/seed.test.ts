import { randomBytes } from 'node:crypto'
import { contract } from '@sotto/contract'
import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  queryPostgres,
  sotto,
  sottoOnTerminal,
  spawnServer,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { contradictions, type DatabaseContents, readContents } from './support/database-contents.ts'

const dialects = ['sqlite', 'postgres'] as const
const large = ['seed', '--users', '60', '--messages', '21000', '--conversations', '300']

function summary(contents: DatabaseContents) {
  return [contents.users.length, contents.conversations.length, contents.messages.length]
}

describe('the small world', () => {
  test.each(dialects)('is whole, believable and there once, on %s', async (using) => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url }

    const seeded = await sotto(['seed'], settings)
    expect(seeded).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Seeded in .*\b12 users\b.*\n$/) })
    const contents = await readContents(database.url)
    expect(contradictions(contents)).toEqual([])
    expectBelievable(contents)

    const again = await sotto(['seed'], settings)
    expect(again).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('already') })
    expect(await readContents(database.url)).toEqual(contents)
  })

  test('is the same on both databases', async () => {
    await using one = await createEmptyDatabase('sqlite')
    await using other = await createEmptyDatabase('postgres')
    await sotto(['seed'], { DATABASE_URL: one.url })
    await sotto(['seed'], { DATABASE_URL: other.url })
    expect(await readContents(other.url)).toEqual(await readContents(one.url))
  })

  test('is one that a server shows', async () => {
    await using database = await createEmptyDatabase('sqlite')
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_for-this-test' }
    await sotto(['seed'], settings)
    await using server = await spawnServer(settings)
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

/** A bit of everything that there is to show. */
function expectBelievable(contents: DatabaseContents): void {
  const { messages, conversations, participants } = contents
  expect(conversations.length).toBeGreaterThanOrEqual(20)
  expect(Math.max(...conversations.map((one) => one.last_seq))).toBeGreaterThan(50)
  expect(Math.min(...conversations.map((one) => one.last_seq))).toBeLessThan(3)
  const sources = messages.map((one) => (one.media && JSON.parse(one.media).source) ?? null)
  expect(sources).toEqual(expect.arrayContaining(['youtube', 'vimeo', 'vevo']))
  expect(messages.some((one) => one.kind === 'image' && JSON.parse(one.media ?? '{}').alt)).toBe(true)
  expect(messages.some((one) => one.deleted_at)).toBe(true)
  expect(messages.some((one) => one.edited_at)).toBe(true)
  const emojis = new Set(contents.reactions.map((one) => one.emoji))
  expect(emojis.has('👍')).toBe(true)
  expect(emojis.size).toBeGreaterThan(4)
  for (const script of [
    /\p{Script=Arabic}/u,
    /\p{Script=Hebrew}/u,
    /\p{Script=Han}/u,
    /\p{Script=Cyrillic}/u,
  ]) {
    expect(messages.some((one) => script.test(one.text ?? ''))).toBe(true)
  }
  expect(messages.some((one) => one.sender_id === one.recipient_id)).toBe(true)
  const lastSeq = new Map(contents.conversations.map((one) => [one.id, one.last_seq]))
  const unreadOf = (one: (typeof participants)[number]) =>
    (lastSeq.get(one.conversation_id) ?? 0) - one.read_seq - one.skipped_count
  expect(participants.some((one) => unreadOf(one) > 0)).toBe(true)
  expect(participants.some((one) => unreadOf(one) === 0 && one.read_seq > 0)).toBe(true)
  expect(participants.some((one) => one.delivered_seq > one.read_seq)).toBe(true)
  expect(contents.users.every((one) => one.password_hash === null)).toBe(true)
  // The welcome of a first start makes these two.
  expect(contents.users.map((one) => one.username)).not.toContain('alice')
  expect(contents.users.map((one) => one.username)).not.toContain('bob')
}

describe('a large world', () => {
  test('is whole, of the size that was asked for, and the same on both databases', async () => {
    await using one = await createEmptyDatabase('sqlite')
    await using other = await createEmptyDatabase('postgres')
    const seeded = await sotto(large, { DATABASE_URL: one.url })
    expect(seeded).toMatchObject({ code: 0, stdout: expect.stringContaining('21,000 messages') })
    expect((await sotto(large, { DATABASE_URL: other.url })).code).toBe(0)

    const contents = await readContents(one.url)
    expect(summary(contents)).toEqual([60, 300, 21_000])
    expect(contradictions(contents)).toEqual([])
    expect(await readContents(other.url)).toEqual(contents)

    const again = await sotto(large, { DATABASE_URL: other.url })
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('already') })
    expect(await readContents(other.url)).toEqual(contents)
  })

  test.each(dialects)(
    'can be one conversation, beside a running server and the small world, on %s',
    async (using) => {
      await using database = await createEmptyDatabase(using)
      const settings = { DATABASE_URL: database.url }
      await using server = await spawnServer(settings)
      await sotto(['seed'], settings)
      const args = ['seed', '--users', '2', '--messages', '500', '--conversations', '1']
      expect(await sotto(args, settings)).toMatchObject({ code: 0 })
      const contents = await readContents(database.url)
      expect(contradictions(contents)).toEqual([])
      expect(Math.max(...contents.conversations.map((conversation) => conversation.last_seq))).toBe(500)
      expect(await server.stop()).toBe(0)
    },
  )

  test('needs no right but that to the database', async () => {
    await using database = await createEmptyDatabase('postgres')
    const [name, role] = [new URL(database.url).pathname.slice(1), `owner_${randomBytes(4).toString('hex')}`]
    const admin = process.env.SOTTO_TEST_POSTGRES_URL ?? ''
    await queryPostgres(admin, `create role ${role} login password '${role}'`)
    try {
      await queryPostgres(admin, `alter database ${name} owner to ${role}`)
      const url = Object.assign(new URL(database.url), { username: role, password: role })
      const args = ['seed', '--users', '9', '--messages', '900']
      expect(await sotto(args, { DATABASE_URL: url.href })).toMatchObject({ code: 0 })
      expect(contradictions(await readContents(database.url))).toEqual([])
    } finally {
      await queryPostgres(admin, `drop database ${name} with (force)`)
      await queryPostgres(admin, `drop role ${role}`)
    }
  })

  test('has a largest conversation of the size that was asked for', async () => {
    await using database = await createEmptyDatabase('sqlite')
    const args = ['seed', '--users', '9', '--messages', '900', '--conversations', '36']
    await sotto([...args, '--largest-conversation', '700'], { DATABASE_URL: database.url })
    const contents = await readContents(database.url)
    expect(contradictions(contents)).toEqual([])
    expect(summary(contents)).toEqual([9, 36, 900])
    expect(Math.max(...contents.conversations.map((conversation) => conversation.last_seq))).toBe(700)
  })

  test('shows a bar on a terminal', async () => {
    await using database = await createEmptyDatabase('sqlite')
    const { code, screen } = await sottoOnTerminal(large, { DATABASE_URL: database.url })
    expect(code).toBe(0)
    expect(screen).toMatch(/\r\S*[█░]{30} +\d+ % +[\d,]+ of 21,000 messages/)
    expect(screen).toContain('Seeded in ')
  })
})

describe('the check of a world', () => {
  test('sees what is wrong', async () => {
    await using database = await createEmptyDatabase('postgres')
    await sotto(['seed'], { DATABASE_URL: database.url })
    const breaks: readonly string[] = [
      'update participants set skipped_count = skipped_count + 1 where read_seq > 0',
      'update participants set sent_count = sent_count + 1 where sent_count > 50',
      'update conversations set last_seq = last_seq + 1 where last_seq = 5',
      "update conversations set updated_at = updated_at + interval '1 ms' where last_seq = 5",
      "update messages set created_at = created_at - interval '1 day' where seq = 3",
      'delete from reactions',
      "delete from receipts where kind = 'delivered'",
      "delete from events where type = 'message.created' and seq = 2",
    ]
    for (const statement of breaks) {
      const broken = await readBroken(database.url, statement)
      expect(contradictions(broken), statement).not.toEqual([])
    }
    expect(contradictions(await readContents(database.url))).toEqual([])
  })
})

/** The contents after a statement, which is undone afterwards: a copy of the database takes it. */
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
