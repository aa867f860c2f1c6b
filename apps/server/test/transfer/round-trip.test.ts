import path from 'node:path'
import { openDatabase, tablesLeftOut } from '@sotto/db'
import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  createTemporaryDirectory,
  type EmptyDatabase,
  nextTotpCode,
  sotto,
  spawnServer,
} from '@sotto/testing/internal'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { readExport } from './support/export-file.ts'
import { createSampleData, sampleSettings } from './support/sample-data.ts'

// Each starts a good many processes.
vi.setConfig({ testTimeout: 90_000 })

const other = { sqlite: 'postgres', postgres: 'sqlite' } as const

async function exportTo(file: string, database: EmptyDatabase) {
  const ran = await sotto(['export', '--output', file], { DATABASE_URL: database.url })
  expect(ran).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^Exported [\d,]+ rows/) })
  return readExport(file)
}

async function importInto(database: EmptyDatabase, file: string): Promise<void> {
  const ran = await sotto(['import', file], { DATABASE_URL: database.url })
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  expect(ran.stdout).toMatch(/^Imported [\d,]+ rows in [\d.]+ s\.\n.*SOTTO_SECRET.*\n$/)
}

async function directory(): Promise<string> {
  const made = await createTemporaryDirectory()
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made.path
}

describe.each(['sqlite', 'postgres'] as const)('from %s to the other database and back', (using) => {
  test('nothing changes, and everything goes on', async () => {
    const files = await directory()
    await using source = await createEmptyDatabase(using)
    await using there = await createEmptyDatabase(other[using])
    await using back = await createEmptyDatabase(using)
    const first = await spawnServer({ ...sampleSettings, DATABASE_URL: source.url })
    const world = await createSampleData(first)
    expect(await first.stop()).toBe(0)

    const before = await exportTo(path.join(files, 'before.jsonl'), source)
    await importInto(there, path.join(files, 'before.jsonl'))
    const after = await exportTo(path.join(files, 'after.jsonl'), there)
    await importInto(back, path.join(files, 'after.jsonl'))
    const again = await exportTo(path.join(files, 'again.jsonl'), back)

    expect(before.header.tables.filter((table) => table.rows === 0)).toEqual([])
    expect(after.rows).toEqual(before.rows)
    expect(again.rows).toEqual(before.rows)

    await using server = await spawnServer({ ...sampleSettings, DATABASE_URL: there.url })
    const { url } = server
    const alice = createClient({ url, token: world.token, retries: 0 })
    const bob = createClient({ url, token: sampleSettings.SOTTO_SERVICE_KEY, retries: 0 }).as('bob')
    expect((await alice.users.me()).username).toBe('alice')
    expect((await createClient({ url, token: world.key }).users.list()).items).toHaveLength(4)
    const proof = { username: 'alice', password: 'correct horse' }
    const anybody = createClient({ url, retries: 0 })
    await expect(anybody.sessions.create(proof)).rejects.toMatchObject({ code: 'SECOND_FACTOR_REQUIRED' })
    await anybody.sessions.create({ ...proof, code: nextTotpCode(world.totpSecret, new Date()) })

    const missed = await bob.events.pull({ cursor: world.cursor })
    expect(missed.items.map(({ type }) => type)).toEqual(['resync'])
    const sent = await alice.messages.send({ to: 'bob', text: 'from the new house' })
    expect(sent.seq).toBe(6)
    await expect
      .poll(async () => (await bob.events.pull({ cursor: missed.cursor })).items)
      .toContainEqual(
        expect.objectContaining({ type: 'message.created', conversationId: sent.conversationId }),
      )
  })

  test('events go on above those that retention has deleted', async () => {
    const files = await directory()
    await using source = await createEmptyDatabase(using)
    await using there = await createEmptyDatabase(other[using])
    const first = await spawnServer({ ...sampleSettings, DATABASE_URL: source.url })
    await createSampleData(first)
    expect(await first.stop()).toBe(0)
    const opened = await openDatabase({ url: source.url })
    await opened.db.deleteFrom('events').execute()
    await opened[Symbol.asyncDispose]()

    await exportTo(path.join(files, 'export.jsonl'), source)
    await importInto(there, path.join(files, 'export.jsonl'))

    await using server = await spawnServer({ ...sampleSettings, DATABASE_URL: there.url })
    const admin = createClient({ url: server.url, token: sampleSettings.SOTTO_SERVICE_KEY })
    // Whose stay in the group begins with an event.
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
  'every table on %s is exported, or left out for a reason',
  async (using) => {
    const files = await directory()
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
