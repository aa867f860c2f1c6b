import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'

export const dialects = ['sqlite', 'postgres'] as const
export type DialectName = (typeof dialects)[number]

/** An empty database of a test's own, gone with it. */
export interface EmptyDatabase extends AsyncDisposable {
  url: string
  /** The file of a SQLite database. */
  file: string
}

/** SQLite in a file, as a server has it, or a new database in the tests' PostgreSQL. */
export function createEmptyDatabase(using: DialectName): Promise<EmptyDatabase> {
  return using === 'sqlite' ? createFile() : createPostgres()
}

async function createFile(): Promise<EmptyDatabase> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-db-'))
  const file = path.join(directory, 'sotto.db')
  return {
    url: `file:${file}`,
    file,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

async function createPostgres(): Promise<EmptyDatabase> {
  const name = `sotto_db_${randomBytes(8).toString('hex')}`
  await withClient(adminUrl(), (admin) => admin.query(`create database ${name}`))
  const url = new URL(adminUrl())
  url.pathname = `/${name}`
  return {
    url: url.href,
    file: '',
    async [Symbol.asyncDispose]() {
      await withClient(adminUrl(), (admin) => admin.query(`drop database if exists ${name} with (force)`))
    },
  }
}

function adminUrl(): string {
  const url = process.env.SOTTO_TEST_POSTGRES_URL
  if (!url) throw new Error('SOTTO_TEST_POSTGRES_URL is set by the tests’ global set-up')
  return url
}

/** A plain connection, with nothing of ours in between. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
