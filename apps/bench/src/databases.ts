import { createEmptyDatabase, withPostgres } from '@sotto/testing/internal/databases'

export interface BenchDatabase extends AsyncDisposable {
  name: 'SQLite file' | 'PostgreSQL'
  url: string
}

/** Creates a SQLite file in the temporary folder. */
async function makeSqlite(): Promise<BenchDatabase> {
  return { name: 'SQLite file', ...(await createEmptyDatabase('sqlite')) }
}

/** Creates a database on the PostgreSQL server in SOTTO_BENCH_POSTGRES_URL. */
async function makePostgres(): Promise<BenchDatabase> {
  const adminUrl = process.env.SOTTO_BENCH_POSTGRES_URL
  if (!adminUrl) throw new Error('SOTTO_BENCH_POSTGRES_URL is required; `pnpm bench` starts a PostgreSQL')
  return { name: 'PostgreSQL', ...(await createEmptyDatabase('postgres', adminUrl)) }
}

export const databaseFactories = { sqlite: makeSqlite, postgres: makePostgres }

/** The number of transactions this PostgreSQL database has committed. Undefined for SQLite. */
export async function postgresCommits({ name, url }: BenchDatabase): Promise<number | undefined> {
  if (name !== 'PostgreSQL') return undefined
  return withPostgres(url, async (client) => {
    const { rows } = await client.query<{ commits: string }>(
      'select xact_commit as commits from pg_stat_database where datname = current_database()',
    )
    return Number(rows[0]?.commits)
  })
}
