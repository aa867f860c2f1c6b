import { startPostgres } from './postgres.ts'

/**
 * Vitest's global set-up: one real PostgreSQL for the whole run. Its URL, that of a superuser, is in
 * `SOTTO_TEST_POSTGRES_URL`; every test makes a database of its own in it. Where the variable is already
 * set, that server is used and none is started.
 */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.SOTTO_TEST_POSTGRES_URL) return undefined
  const postgres = await startPostgres('volatile')
  process.env.SOTTO_TEST_POSTGRES_URL = postgres.url
  return postgres.stop
}
