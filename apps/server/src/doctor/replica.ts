import { type Executor, inspectReplica } from '@sotto/db'
import type { Config } from '../settings/config.ts'
import { type Finding, ok, warning } from './finding.ts'

const CHECK = 'replica'

/** Whether lists can be read on the replica. Nothing where there is none. */
export async function* examineReplica(config: Config, primary: Executor): AsyncGenerator<Finding> {
  const { databaseReplicaUrl: url, databaseReplicaMaxLagMs: maxLagMs, preparedStatements } = config
  if (url === undefined) return
  try {
    const lagMs = await inspectReplica({ url, primary, preparedStatements })
    if (lagMs !== undefined && lagMs <= maxLagMs) {
      yield ok(CHECK, `shows what is committed after ${Math.ceil(lagMs)} ms`)
      return
    }
    yield warning(
      CHECK,
      lagMs === undefined
        ? 'does not come to what is committed'
        : `takes ${Math.ceil(lagMs)} ms to show what is committed, and is waited for ${maxLagMs} ms`,
      'lists are read on the primary: see pg_stat_replication there, and DATABASE_REPLICA_MAX_LAG_MS',
    )
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    yield warning(
      CHECK,
      message,
      'lists are read on the primary: see that it runs, and what DATABASE_REPLICA_URL says',
    )
  }
}
