import { type Executor, inspectReplica } from '@sotto/db'
import type { Config } from '../settings/config.ts'
import { type Finding, ok, warning } from './finding.ts'

const CHECK = 'replica'

/** Checks that lists can be read from the replica. Yields nothing if there is none. */
export async function* examineReplica(config: Config, primary: Executor): AsyncGenerator<Finding> {
  const { databaseReplicaUrl: url, databaseReplicaMaxLagMs: maxLagMs, preparedStatements } = config
  if (url === undefined) return
  try {
    const lagMs = await inspectReplica({ url, primary, preparedStatements })
    if (lagMs !== undefined && lagMs <= maxLagMs) {
      yield ok(CHECK, `shows commits after ${Math.ceil(lagMs)} ms`)
      return
    }
    yield warning(
      CHECK,
      lagMs === undefined
        ? 'does not catch up with the primary'
        : `shows commits after ${Math.ceil(lagMs)} ms, more than the ${maxLagMs} ms that reads wait`,
      'lists are read from the primary: check pg_stat_replication there and DATABASE_REPLICA_MAX_LAG_MS',
    )
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    yield warning(
      CHECK,
      message,
      'lists are read from the primary: check that the replica is running and that DATABASE_REPLICA_URL is correct',
    )
  }
}
