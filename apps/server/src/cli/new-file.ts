import { existsSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { CommandError } from './command-error.ts'

/**
 * Creates a file that only its owner can read, and missing folders of its path. It is named `<file>.partial` until it is complete and synced to disk.
 *
 * @throws {CommandError} if the file already exists.
 */
export async function writeNewFile(file: string, write: (draft: string) => Promise<void>): Promise<void> {
  if (existsSync(file)) throw new CommandError(`${file} already exists: choose another name or move it`)
  const draft = `${file}.partial`
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    await rm(draft, { force: true })
    await (await open(draft, 'wx', 0o600)).close()
    await write(draft)
    await using handle = await open(draft, 'r+')
    await handle.sync()
    await rename(draft, file)
  } catch (error) {
    // Fails for the same reason if the path itself is invalid.
    await rm(draft, { force: true }).catch(() => {})
    const isFileError = error instanceof Error && 'syscall' in error && 'path' in error
    throw isFileError ? new CommandError(`cannot write ${file}: ${error.message}`, { cause: error }) : error
  }
}
