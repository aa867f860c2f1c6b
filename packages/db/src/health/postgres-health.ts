import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { Executor } from '../statement.ts'

/** The state of a PostgreSQL server and of our session. */
export interface PostgresHealth {
  version: string
  /** The server's current time. */
  clock: Date
  isReadOnly: boolean
  /** In effect in our session, in milliseconds. 0 for none, undefined if this version does not have the timeout. */
  timeouts: Record<(typeof TIMEOUTS)[number], number | undefined>
  /** The maximum number of connections, without those reserved for superusers. */
  connectionsAllowed: number
  connectionsOpen: number
}

/** The time of the PostgreSQL server's clock. Undefined on SQLite, which has none. */
export async function readDatabaseTime(db: Executor): Promise<Date | undefined> {
  if (!isPostgres(db)) return undefined
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db)
  return rows[0]?.now
}

const TIMEOUTS = ['statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'] as const

/** Undefined on SQLite. */
export async function inspectPostgres(db: Executor): Promise<PostgresHealth | undefined> {
  if (!isPostgres(db)) return undefined
  const { rows } = await sql<Omit<PostgresHealth, 'timeouts'>>`
    select
      current_setting('server_version') as version,
      clock_timestamp() as clock,
      pg_is_in_recovery() or current_setting('transaction_read_only')::bool as "isReadOnly",
      current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int as "connectionsAllowed",
      (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as "connectionsOpen"
  `.execute(db)
  const [row] = rows
  if (!row) throw new Error('PostgreSQL returned no row')
  const { rows: settings } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings where name in (${sql.join(TIMEOUTS)})
  `.execute(db)
  const millisecondsOf = (name: string) => {
    const found = settings.find((setting) => setting.name === name)
    return found && Number(found.setting)
  }
  return {
    ...row,
    timeouts: {
      statement_timeout: millisecondsOf('statement_timeout'),
      idle_in_transaction_session_timeout: millisecondsOf('idle_in_transaction_session_timeout'),
      transaction_timeout: millisecondsOf('transaction_timeout'),
    },
  }
}
