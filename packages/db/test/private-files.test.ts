import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase, readLocalSecret } from '../src/index.ts'
import { addUser } from './support/users.ts'

let folder: string
let umask: number

beforeEach(async () => {
  // The usual one, with which new files are readable by everyone.
  umask = process.umask(0o022)
  folder = await mkdtemp(path.join(tmpdir(), 'sotto-private-'))
})
afterEach(async () => {
  process.umask(umask)
  await rm(folder, { recursive: true })
})

async function modes(): Promise<Record<string, string>> {
  const files = (await readdir(folder)).toSorted()
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => [file, ((await stat(path.join(folder, file))).mode & 0o777).toString(8)]),
    ),
  )
}

const url = () => `file:${path.join(folder, 'sotto.db')}`

async function useDatabase(): Promise<Record<string, string>> {
  await using database = await openDatabase({ url: url(), exclusive: true })
  await database.migrate()
  readLocalSecret(url())
  await database.db.transaction().execute((trx) => addUser(trx, 1))
  return await modes()
}

const expected = {
  'sotto.db': '600',
  'sotto.db-shm': '600',
  'sotto.db-wal': '600',
  'sotto.db.lock': '600',
  'sotto.db.lock-journal': '600',
  'sotto.db.secret': '600',
}

test('all files of a SQLite database are readable by their owner only', async () => {
  expect(await useDatabase()).toEqual(expected)
})

test('files that others could read are made private', async () => {
  for (const file of Object.keys(expected).filter((name) => !/journal|wal|shm/.test(name))) {
    await writeFile(path.join(folder, file), file.endsWith('.secret') ? 'a secret' : '')
    await chmod(path.join(folder, file), 0o644)
  }
  expect(await useDatabase()).toEqual(expected)
})

test('a second server still cannot open a database that is in use', async () => {
  await using _database = await openDatabase({ url: url(), exclusive: true })
  await expect(openDatabase({ url: url(), exclusive: true })).rejects.toThrow('another server is running')
})
