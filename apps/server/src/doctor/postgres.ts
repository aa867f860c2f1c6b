import {
  canListen,
  type Executor,
  inspectPostgres,
  type PostgresHealth,
  parseDatabaseUrl,
  store,
} from '@sotto/db'
import type { Config } from '../settings/config.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

/**
 * Clock differences above which one of the two clocks is wrong. Servers use the database's: if that one is wrong, TOTP
 * codes and token expiry fail.
 */
const WARNING_MS = 1_000
const FAILURE_MS = 15_000
/** Longer than any transaction of Sotto. */
const LONG_TRANSACTION_MS = 5_000
const LISTEN_MS = 2_000
/** Connections in addition to the pool: one for hints, and one for a migration or a command. */
const OTHER_CONNECTIONS = 2

/** Checks PostgreSQL itself. Yields nothing for other databases. */
export async function* examinePostgres(
  config: Config,
  db: Executor,
  now: () => Date,
): AsyncGenerator<Finding> {
  const startedAt = now()
  const health = await inspectPostgres(db)
  if (!health) return
  // The midpoint between request and response.
  const localTime = (startedAt.getTime() + now().getTime()) / 2
  yield ok('version', `PostgreSQL ${health.version}`)
  yield examineClock(health.clock.getTime() - localTime)
  yield examineTimeouts(health)
  yield examineConnections(config, health)
  yield await examineLog(db)
}

function examineClock(aheadMs: number): Finding {
  const differenceMs = Math.abs(aheadMs)
  const detail = `the database clock is ${(differenceMs / 1_000).toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} this host`
  const todo = 'synchronize both hosts with NTP'
  if (differenceMs > FAILURE_MS) return failed('clock', detail, todo)
  return differenceMs > WARNING_MS ? warning('clock', detail, todo) : ok('clock', detail)
}

function examineTimeouts({ timeouts }: PostgresHealth): Finding {
  const known = Object.entries(timeouts).filter(([, value]) => value !== undefined)
  const detail = known.map(([name, value]) => `${name} ${value} ms`).join(', ')
  if (known.every(([, value]) => value !== 0)) return ok('timeouts', detail)
  return warning(
    'timeouts',
    `a connection has lost the timeouts that Sotto sets: ${detail}`,
    'set DATABASE_DIRECT_URL, run sotto migrate to set them for the role, then reconnect the pooler',
  )
}

function examineConnections({ databasePoolSize }: Config, health: PostgresHealth): Finding {
  const { connectionsAllowed, connectionsOpen } = health
  const needed = databasePoolSize + OTHER_CONNECTIONS
  const detail = `this server needs up to ${needed}, PostgreSQL allows ${connectionsAllowed}, ${connectionsOpen} are open`
  const todo = 'lower DATABASE_POOL_SIZE, or raise max_connections'
  if (needed > connectionsAllowed) return failed('connections', detail, todo)
  return connectionsOpen + needed > connectionsAllowed
    ? warning('connections', detail, `${todo}, unless the open connections belong to this server`)
    : ok('connections', detail)
}

/** Finds a transaction that delays events: readers of the log wait for transactions that have written to our tables. */
async function examineLog(db: Executor): Promise<Finding> {
  const blocker = await store.logHorizon.findBlocker(db, LONG_TRANSACTION_MS)
  if (!blocker) return ok('event log', 'no transaction delays events')
  const { pid, application, ageMs } = blocker
  const age = `${Math.round(ageMs / 1_000)} s and delays events`
  return pid === null
    ? warning(
        'event log',
        `the prepared transaction ${application} has been open for ${age}`,
        'commit it or roll it back',
      )
    : warning(
        'event log',
        `a transaction of ${application || 'an unnamed program'} (pid ${pid}) has been open for ${age}`,
        `terminate it: select pg_terminate_backend(${pid})`,
      )
}

/** Checks that LISTEN works, which servers use to notify each other. Yields nothing if it is not needed. */
export async function* examineListening(config: Config): AsyncGenerator<Finding> {
  const { databaseUrl, databaseDirectUrl, redisUrl } = config
  const url = databaseDirectUrl ?? databaseUrl
  if (redisUrl !== undefined || parseDatabaseUrl(url).kind !== 'postgres') return
  const name = databaseDirectUrl === undefined ? 'DATABASE_URL' : 'DATABASE_DIRECT_URL'
  try {
    yield (await canListen(url, LISTEN_MS))
      ? ok('listen', `LISTEN works over ${name}`)
      : warning(
          'listen',
          `LISTEN does not work over ${name}, probably a pooler: events of other servers arrive up to a second late`,
          'set DATABASE_DIRECT_URL to a direct connection to PostgreSQL',
        )
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    yield failed(
      'listen',
      `${name} is not reachable: ${message}`,
      `check that it is running and that ${name} is correct`,
    )
  }
}
