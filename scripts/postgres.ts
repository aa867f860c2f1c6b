import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

export interface RunningPostgres {
  /** The URL of a superuser. */
  url: string
  stop(): Promise<void>
}

/**
 * Starts a real PostgreSQL that stops when this process ends, no matter how.
 *
 * @param mode `volatile` never waits for the disk, for tests; `durable` is like production, for benchmarks.
 */
export async function startPostgres(mode: 'volatile' | 'durable'): Promise<RunningPostgres> {
  // In its own process group, so that Ctrl-C does not reach PostgreSQL before its clients have disconnected.
  const keeper = fork(path.join(import.meta.dirname, 'postgres-keeper.ts'), [mode], { detached: true })
  const exited = once(keeper, 'exit')
  const url = await Promise.race([
    once(keeper, 'message').then(([message]) => String(message)),
    exited.then(([code]) => {
      throw new Error(`PostgreSQL did not start (exit code ${code}); see the output above`)
    }),
  ])
  return {
    url,
    async stop() {
      keeper.disconnect()
      await exited
    },
  }
}
