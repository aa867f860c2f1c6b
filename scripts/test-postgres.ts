import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URLs, one per worker. */
    postgresUrls: readonly string[]
  }
}

/**
 * Vitest's global setup: starts one PostgreSQL per worker for the whole run, because a transaction that a test leaves
 * open on purpose delays events in all databases of its server. Workers get its URL in `SOTTO_TEST_POSTGRES_URL`
 * (test-database.ts), and every test creates its own database in it. If the variable is already set, all workers use
 * that server.
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
