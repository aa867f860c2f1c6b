import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { copySqlite } from './backup.ts'
import { openDatabase } from './database.ts'

let image: Promise<Buffer> | undefined

/** Returns a migrated, empty SQLite database. Copying it is much faster than migrating, for tests that open many. */
export function memoryImage(): Promise<Buffer> {
  image ??= createImage()
  return image
}

async function createImage(): Promise<Buffer> {
  await using database = await openDatabase({ url: 'file::memory:' })
  await database.migrate()
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-image-'))
  try {
    const file = path.join(directory, 'sotto.db')
    await copySqlite(database, file)
    return await readFile(file)
  } finally {
    await rm(directory, { recursive: true })
  }
}
