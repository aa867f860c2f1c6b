import path from 'node:path'
import { openDatabase, tablesLeftOut } from '@sotto/db'
import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  createTemporaryDirectory,
  type EmptyDatabase,
  nextTotpCode,
  sotto,
  startSotto,
} from '@sotto/testing/internal'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { readExport } from './support/export-file.ts'
import { createSampleData, sampleSettings } from './support/sample-data.ts'

// Every test starts many processes.
vi.setConfig({ testTimeout: 90_000 })

const otherDialect = { sqlite: 'postgres', postgres: 'sqlite' } as const

async function exportTo(file: string, database: EmptyDatabase) {
  const result = await sotto(['export', '--output', file], { DATABASE_URL: database.url })
  expect(result).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringMatching(/^Exported [\d,]+ rows/),
  })
  return readExport(file)
}

async function importInto(database: EmptyDatabase, file: string): Promise<void> {
  const result = await sotto(['import', file], { DATABASE_URL: database.url })
  expect(result).toMatchObject({ code: 0, stderr: '' })
  expect(result.stdout).toMatch(/^Imported [\d,]+ rows in [\d.]+ s\.\n.*SOTTO_SECRET.*\n$/)
}

async function createTestDirectory(): Promise<string> {
  const directory = await createTemporaryDirectory()
  onTestFinished(() => directory[Symbol.asyncDispose]())
  return directory.path
}

describe.each(['sqlite', 'postgres'] as const)('moving from %s to the other database and back', (using) => {
  test('preserves all data, and the server continues with it', async () => {
    const files = await createTestDirectory()
    await using source = await createEmptyDatabase(using)
    await using target = await createEmptyDatabase(otherDialect[using])
    await using returned = await createEmptyDatabase(using)
    const first = await startSotto({ ...sampleSettings, DATABASE_URL: source.url })
    const sample = await createSampleData(first)
    expect(await first.stop()).toBe(0)

    const before = await exportTo(path.join(files, 'before.jsonl'), source)
    await importInto(target, path.join(files, 'before.jsonl'))
    const after = await exportTo(path.join(files, 'after.jsonl'), target)
    await importInto(returned, path.join(files, 'after.jsonl'))
    const again = await exportTo(path.join(files, 'again.jsonl'), returned)

    expect(before.header.tables.filter((table) => table.rows === 0)).toEqual([])
    expect(after.rows).toEqual(before.rows)
    expect(again.rows).toEqual(before.rows)

    await using server = await startSotto({ ...sampleSettings, DATABASE_URL: target.url })
    const { url } = server
    const alice = createClient({ url, token: sample.token, retries: 0 })
    const bob = createClient({ url, token: sampleSettings.SOTTO_SERVICE_KEY, retries: 0 }).as('bob')
    expect((await alice.users.me()).username).toBe('alice')
    expect((await createClient({ url, token: sample.key }).users.list()).items).toHaveLength(4)
    const proof = { username: 'alice', password: 'correct horse' }
    const anonymous = createClient({ url, retries: 0 })
    await expect(anonymous.sessions.create(proof)).rejects.toMatchObject({ code: 'SECOND_FACTOR_REQUIRED' })
    await anonymous.sessions.create({ ...proof, code: nextTotpCode(sample.totpSecret, new Date()) })

    const missed = await bob.events.pull({ cursor: sample.cursor })
    expect(missed.items.map(({ type }) => type)).toEqual(['resync'])
    const sent = await alice.messages.send({ to: 'bob', text: 'after the transfer' })
    expect(sent.seq).toBe(6)
    await expect
      .poll(async () => (await bob.events.pull({ cursor: missed.cursor })).items)
      .toContainEqual(
        expect.objectContaining({ type: 'message.created', conversationId: sent.conversationId }),
      )
  })

  test('continues event ids above those that retention has deleted', async () => {
    const files = await createTestDirectory()
    await using source = await createEmptyDatabase(using)
    await using target = await createEmptyDatabase(otherDialect[using])
    const first = await startSotto({ ...sampleSettings, DATABASE_URL: source.url })
    await createSampleData(first)
    expect(await first.stop()).toBe(0)
    const opened = await openDatabase({ url: source.url })
    await opened.db.deleteFrom('events').execute()
    await opened[Symbol.asyncDispose]()

    await exportTo(path.join(files, 'export.jsonl'), source)
    await importInto(target, path.join(files, 'export.jsonl'))

    await using server = await startSotto({ ...sampleSettings, DATABASE_URL: target.url })
    const admin = createClient({ url: server.url, token: sampleSettings.SOTTO_SERVICE_KEY })
    // Her stay in the group starts at an event that was deleted.
    const carol = admin.as('carol')
    const { cursor } = await carol.events.pull({})
    const [group] = (await carol.conversations.list()).items
    await admin.as('alice').messages.send({ conversationId: group?.id ?? '', text: 'the first event' })
    await expect
      .poll(async () => (await carol.events.pull({ cursor })).items.map(({ type }) => type))
      .toContain('message.created')
  })
})

test.each(['sqlite', 'postgres'] as const)(
  'every table on %s is exported, or excluded for a reason',
  async (using) => {
    const files = await createTestDirectory()
    await using database = await createEmptyDatabase(using)
    expect((await sotto(['migrate'], { DATABASE_URL: database.url })).code).toBe(0)
    const { header } = await exportTo(path.join(files, 'empty.jsonl'), database)
    await using opened = await openDatabase({ url: database.url })
    const tables = await opened.db.introspection.getTables()
    const accounted = [...header.tables.map(({ name }) => name), ...Object.keys(tablesLeftOut())]
    expect(accounted.sort()).toEqual(tables.map(({ name }) => name).sort())
    expect(Object.values(tablesLeftOut())).not.toContain('')
  },
)
