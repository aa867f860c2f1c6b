import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** Where a test server keeps its data. */
export interface TestDatabase {
  url: string
  /** Deletes it. */
  drop(): Promise<void>
}

export async function createMemoryDatabase(): Promise<TestDatabase> {
  return { url: 'file::memory:', async drop() {} }
}

/** One at a time may make a template that is missing; the number is the lock's name and nothing else. */
const TEMPLATE_LOCK = 7_305_884_911

/**
 * Makes a database of its own in a PostgreSQL server, as a copy of a template that `prepare` has migrated once.
 *
 * @param adminUrl a user that may create databases
 * @param version names the template, so that another schema gets another one
 */
export async function createPostgresDatabase(
  adminUrl: string,
  version: string,
  prepare: (url: string) => Promise<void>,
): Promise<TestDatabase> {
  const template = `sotto_template_${version}`
  const name = `sotto_test_${randomBytes(8).toString('hex')}`
  await withPostgres(adminUrl, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
    try {
      const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [template])
      if (rowCount === 0) {
        const draft = `${template}_draft`
        await admin.query(`drop database if exists ${draft}`)
        await admin.query(`create database ${draft}`)
        await prepare(urlOf(adminUrl, draft))
        // The name tells that it is whole.
        await admin.query(`alter database ${draft} rename to ${template}`)
      }
      await admin.query(`create database ${name} template ${template}`)
    } finally {
      await admin.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK])
    }
  })
  return {
    url: urlOf(adminUrl, name),
    drop: () =>
      withPostgres(adminUrl, async (admin) => {
        await admin.query(`drop database if exists ${name} with (force)`)
      }),
  }
}

/** The URL of another database of the same server. */
export function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}

/** Runs work on a connection of its own. */
export async function withPostgres<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  // A query that is running fails by itself; a lost connection must not end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
