import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'

export interface BenchDatabase extends AsyncDisposable {
  name: 'SQLite file' | 'PostgreSQL'
  url: string
}

/** A new SQLite file, in the temporary folder. */
async function makeSqlite(): Promise<BenchDatabase> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-bench-'))
  return {
    name: 'SQLite file',
    url: `file:${path.join(directory, 'sotto.db')}`,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

/** A new database in the PostgreSQL server of SOTTO_BENCH_POSTGRES_URL. */
async function makePostgres(): Promise<BenchDatabase> {
  const adminUrl = process.env.SOTTO_BENCH_POSTGRES_URL
  if (!adminUrl) throw new Error('SOTTO_BENCH_POSTGRES_URL names no PostgreSQL; `pnpm bench` starts one')
  const name = `sotto_bench_${process.pid}_${Date.now()}`
  await administer(adminUrl, `create database ${name}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return {
    name: 'PostgreSQL',
    url: url.href,
    [Symbol.asyncDispose]: () => administer(adminUrl, `drop database if exists ${name} with (force)`),
  }
}

/** Runs one statement outside of any transaction. */
async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

export const makers = { sqlite: makeSqlite, postgres: makePostgres }

/** How many transactions this PostgreSQL database has committed; undefined for SQLite. */
export async function postgresCommits({ name, url }: BenchDatabase): Promise<number | undefined> {
  if (name !== 'PostgreSQL') return undefined
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ commits: string }>(
      'select xact_commit as commits from pg_stat_database where datname = current_database()',
    )
    return Number(rows[0]?.commits)
  } finally {
    await client.end()
  }
}
