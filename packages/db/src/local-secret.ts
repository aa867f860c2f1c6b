import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseDatabaseUrl } from './database.ts'
import { restrict } from './dialect/private-file.ts'

const SECRET_BYTES = 32

/**
 * Returns a secret that is stored next to the database rather than in it, so that a copy of the database does not
 * include it. The file `<database>.secret` is readable by its owner only and created if missing. An in-memory database
 * gets a new secret each time. Undefined for PostgreSQL, which has no local file to store it next to.
 *
 * @throws a file system error.
 */
export function readLocalSecret(databaseUrl: string): string | undefined {
  const target = parseDatabaseUrl(databaseUrl)
  if (target.kind === 'postgres') return undefined
  if (target.path === ':memory:') return newSecret()
  const file = `${target.path}.secret`
  restrict(file)
  return readIfExists(file) ?? createFile(file)
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Linking a complete draft makes creation atomic: a crash leaves no partial file, and processes that start at the same
 * time all read the same secret. Losing it would make the data sealed with it unreadable.
 */
function createFile(file: string): string {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}.new`
  const handle = openSync(draft, 'wx', 0o600)
  try {
    writeSync(handle, `${newSecret()}\n`)
    fsyncSync(handle)
    linkSync(draft, file)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    closeSync(handle)
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8').trim()
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
