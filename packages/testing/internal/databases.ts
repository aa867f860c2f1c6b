import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type pg from 'pg'
import { urlOf, withPostgres } from '../src/databases.ts'

export { withPostgres }

/** For `describe.each`: assertions must hold on both databases. */
export const dialects = ['sqlite', 'postgres'] as const
export type Dialect = (typeof dialects)[number]

/** Deleted on disposal. */
export interface TemporaryDirectory extends AsyncDisposable {
  path: string
}

export async function createTemporaryDirectory(): Promise<TemporaryDirectory> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-test-'))
  return {
    path: directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

/** Deleted on disposal. */
export interface EmptyDatabase extends AsyncDisposable {
  url: string
  /** The file of a SQLite database. Empty for PostgreSQL. */
  file: string
}

/**
 * Creates a SQLite file or a PostgreSQL database.
 *
 * @param adminUrl the URL of a PostgreSQL user who may create databases; by default that of the test run
 */
export async function createEmptyDatabase(using: Dialect, adminUrl?: string): Promise<EmptyDatabase> {
  if (using === 'sqlite') {
    const directory = await createTemporaryDirectory()
    const file = path.join(directory.path, 'sotto.db')
    return { url: `file:${file}`, file, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() }
  }
  const admin = adminUrl ?? requirePostgresUrl()
  const name = `sotto_test_${randomBytes(8).toString('hex')}`
  await queryPostgres(admin, `create database ${name}`)
  return {
    url: urlOf(admin, name),
    file: '',
    async [Symbol.asyncDispose]() {
      await queryPostgres(admin, `drop database if exists ${name} with (force)`)
    },
  }
}

/** The URL of a PostgreSQL user who may create databases, from the global setup of the tests. */
export function requirePostgresUrl(): string {
  const url = process.env.SOTTO_TEST_POSTGRES_URL
  if (!url) throw new Error('SOTTO_TEST_POSTGRES_URL is required; the global setup of the tests sets it')
  return url
}

/** Runs one statement on a new connection. */
export function queryPostgres(url: string, sql: string): Promise<pg.QueryResult> {
  return withPostgres(url, (client) => client.query(sql))
}
