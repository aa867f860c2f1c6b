import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

/**
 * Vitest's global set-up: one real PostgreSQL for the whole run. Its URL, that of a superuser, is in
 * `SOTTO_TEST_POSTGRES_URL`; every test makes a database of its own in it. Where the variable is already
 * set, that server is used and none is started.
 */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.SOTTO_TEST_POSTGRES_URL) return undefined

  // A process group of its own, so that Ctrl-C does not reach PostgreSQL before the tests have let go of it.
  const keeper = fork(path.join(import.meta.dirname, 'test-postgres-keeper.ts'), { detached: true })
  const gone = once(keeper, 'exit')
  const url = await Promise.race([
    once(keeper, 'message').then(([message]) => String(message)),
    gone.then(([code]) => {
      throw new Error(`PostgreSQL for the tests did not start (exit code ${code}); the reason is above`)
    }),
  ])
  process.env.SOTTO_TEST_POSTGRES_URL = url

  return async function teardown() {
    keeper.disconnect()
    await gone
  }
}
