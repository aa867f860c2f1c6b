import { copyFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { openDatabase } from '@sotto/db'
import { createClient, type SottoClient } from '@sotto/sdk'
import { createEmptyDatabase, createTemporaryDirectory, sotto, spawnServer } from '@sotto/testing/internal'
import { expect, test, vi } from 'vitest'

// Every test starts many processes.
vi.setConfig({ testTimeout: 90_000 })

const key = 'sk_of_a_backup'

function clientOf(server: { url: string }): SottoClient {
  return createClient({ url: server.url, token: key })
}

test('a backup of a busy server is complete, and clients notice when it is restored', async () => {
  await using files = await createTemporaryDirectory()
  await using database = await createEmptyDatabase('sqlite')
  const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key }
  const server = await spawnServer(settings)
  for (const username of ['alice', 'bob']) await clientOf(server).users.create({ username })
  const alice = clientOf(server).as('alice')
  const bob = clientOf(server).as('bob')

  const acknowledged: number[] = []
  let isDone = false
  const writers = Array.from({ length: 4 }, async () => {
    while (!isDone) acknowledged.push((await alice.messages.send({ to: 'bob', text: 'next' })).seq)
  })
  await expect.poll(() => acknowledged.length).toBeGreaterThan(100)
  const before = Math.max(...acknowledged)
  const { cursor: earlier } = await bob.events.pull({})
  // Missing folders are created.
  const file = path.join(files.path, 'backups/daily/backup.db')
  const result = await sotto(['backup', file], settings)
  const after = Math.max(...acknowledged)
  isDone = true
  await Promise.all(writers)
  expect(result).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^Backed up and verified: /),
  })
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700)
  const { cursor: later } = await bob.events.pull({})
  expect(await server.stop()).toBe(0)

  // The steps in docs/operations.md.
  const databaseFile = database.url.slice('file:'.length)
  for (const end of ['-wal', '-shm']) await rm(`${databaseFile}${end}`, { force: true })
  await copyFile(file, databaseFile)
  const kept = await countMessages(database.url)
  expect(kept).toBeGreaterThanOrEqual(before)
  expect(kept).toBeLessThanOrEqual(after)

  await using restored = await spawnServer(settings)
  const reader = clientOf(restored).as('bob')
  const sent = await clientOf(restored).as('alice').messages.send({ to: 'bob', text: 'after the restore' })
  expect(sent.seq).toBe(kept + 1)
  expect((await reader.events.pull({ cursor: later })).items.map(({ type }) => type)).toEqual(['resync'])
  const missed = await reader.events.pull({ cursor: earlier })
  expect(missed.items.map(({ type }) => type)).not.toContain('resync')
})

async function countMessages(url: string): Promise<number> {
  await using database = await openDatabase({ url })
  const { count } = await database.db
    .selectFrom('messages')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

test('a backup fails for PostgreSQL, for a missing database and if the file exists', async () => {
  await using files = await createTemporaryDirectory()
  const file = path.join(files.path, 'backup.db')
  const postgres = { DATABASE_URL: 'postgres://127.0.0.1:1/sotto' }
  expect(await sotto(['backup', file], postgres)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^sotto: sotto backup only supports SQLite: .+docs\/operations\.md\n$/),
  })
  const url = `file:${path.join(files.path, 'sotto.db')}`
  for (const args of [
    ['backup', file],
    ['export', '--output', '-'],
  ]) {
    expect(await sotto(args, { DATABASE_URL: url })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^sotto: no database at .+\n$/),
    })
  }
  expect((await sotto(['migrate'], { DATABASE_URL: url })).code).toBe(0)
  expect((await sotto(['backup', file], { DATABASE_URL: url })).code).toBe(0)
  expect((await sotto(['backup', file], { DATABASE_URL: url })).stderr).toMatch(/already exists/)
})
