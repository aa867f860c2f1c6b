import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

export interface RunningPostgres {
  /** A superuser's. */
  url: string
  stop(): Promise<void>
}

/**
 * Starts a real PostgreSQL of its own, which ends with this process, however that ends.
 *
 * @param mode `volatile` never waits for the disk, for tests; `durable` is as in production, for measuring.
 */
export async function startPostgres(mode: 'volatile' | 'durable'): Promise<RunningPostgres> {
  // A process group of its own, so that Ctrl-C does not reach PostgreSQL before its users have let go of it.
  const keeper = fork(path.join(import.meta.dirname, 'postgres-keeper.ts'), [mode], { detached: true })
  const gone = once(keeper, 'exit')
  const url = await Promise.race([
    once(keeper, 'message').then(([message]) => String(message)),
    gone.then(([code]) => {
      throw new Error(`PostgreSQL did not start (exit code ${code}); the reason is above`)
    }),
  ])
  return {
    url,
    async stop() {
      keeper.disconnect()
      await gone
    },
  }
}
