import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseDatabaseUrl } from './database.ts'

const SECRET_BYTES = 32

/**
 * A secret that lies beside the data and not in it, so that a copy of the database alone does not hold it: in the
 * file `<database>.secret`, for its owner alone, made when it is missing. A database in memory gets a new one each
 * time, and one that is reached over a network has no such place: undefined.
 *
 * @throws what the file system throws.
 */
export function readLocalSecret(databaseUrl: string): string | undefined {
  const target = parseDatabaseUrl(databaseUrl)
  if (target.kind === 'postgres') return undefined
  if (target.path === ':memory:') return newSecret()
  const file = `${target.path}.secret`
  return readIfThere(file) ?? makeFile(file)
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Whole or not at all, and the same for all who make it at once: what it seals must not be lost. */
function makeFile(file: string): string {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}.new`
  const handle = openSync(draft, 'wx', 0o600)
  try {
    writeSync(handle, `${newSecret()}\n`)
    fsyncSync(handle)
    linkSync(draft, file)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  } finally {
    closeSync(handle)
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8').trim()
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
