import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'

/** An empty database that the command line is pointed at, gone with it. */
export interface OwnDatabase extends AsyncDisposable {
  url: string
}

export interface OwnDirectory extends AsyncDisposable {
  path: string
}

export async function createDirectory(): Promise<OwnDirectory> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-cli-'))
  return {
    path: directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

export async function createDatabase(using: 'sqlite' | 'postgres'): Promise<OwnDatabase> {
  if (using === 'sqlite') {
    const directory = await createDirectory()
    return {
      url: `file:${path.join(directory.path, 'sotto.db')}`,
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    }
  }
  const admin = process.env.SOTTO_TEST_POSTGRES_URL ?? ''
  const name = `sotto_cli_${randomBytes(8).toString('hex')}`
  await query(admin, `create database ${name}`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      await query(admin, `drop database if exists ${name} with (force)`)
    },
  }
}

/** Runs one statement over a connection of its own. */
export async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}
