import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** The database of a test server. */
export interface TestDatabase {
  url: string
  /** Deletes the database. */
  drop(): Promise<void>
}

export async function createMemoryDatabase(): Promise<TestDatabase> {
  return { url: 'file::memory:', async drop() {} }
}

/** Lets one process at a time create a missing template. An arbitrary number that identifies the lock. */
const TEMPLATE_LOCK = 7_305_884_911

/**
 * Creates a database on a PostgreSQL server, as a copy of a template that `prepare` has migrated once.
 *
 * @param adminUrl the URL of a user who may create databases
 * @param version identifies the template, so that each schema has its own
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
        // Only a complete template has its final name.
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

/** Returns the URL of another database on the same server. */
export function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}

/** Runs work on a new connection. */
export async function withPostgres<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  // A running query rejects if the connection is lost. Without a listener, the process would end.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
