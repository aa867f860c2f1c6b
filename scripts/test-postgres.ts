import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superusers', one for each worker. */
    postgresUrls: readonly string[]
  }
}

/**
 * Vitest's global set-up: real PostgreSQL for the whole run, one for each worker, since a transaction that one test
 * leaves open on purpose holds back what all databases of its server tell. `SOTTO_TEST_POSTGRES_URL` has it in the
 * workers (test-database.ts), and every test makes a database of its own in it. Where the variable is already set,
 * that server is used by all and none is started.
 */
export async function setup({ config, provide }: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.SOTTO_TEST_POSTGRES_URL
  if (given) {
    provide(
      'postgresUrls',
      Array.from({ length: config.maxWorkers }, () => given),
    )
    return undefined
  }
  const running = await Promise.all(
    Array.from({ length: config.maxWorkers }, () => startPostgres('volatile')),
  )
  provide(
    'postgresUrls',
    running.map(({ url }) => url),
  )
  return async () => {
    await Promise.all(running.map(({ stop }) => stop()))
  }
}
