import type { Socket } from 'node:net'
import { type Dialect, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Executor } from '../statement.ts'
import { NO_TIMEOUTS, SESSION_SETTINGS } from './session-settings.ts'

export interface PostgresOptions {
  /** The maximum number of connections. */
  poolSize: number
  /** Use named prepared statements. False behind a transaction pooler (pgbouncer) that does not track them. */
  preparedStatements: boolean
  /** Sessions belong to a transaction pooler and take their settings from the role. */
  pooled: boolean
  /** Called with the pool when it is created, which is on the first statement. */
  onPool: (pool: pg.Pool) => void
}

/** How long a request waits for a free connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000

/**
 * How long to wait for data before the connection is closed, in milliseconds. PostgreSQL itself ends a statement after
 * ten seconds. A server that stays silent longer is gone, for example after a failover, which the operating system
 * would notice only after about 15 minutes.
 */
const SILENCE_MS = 12_000

/**
 * Runs work on one connection without timeouts: migrations, which change large tables and wait for each other, and
 * scans of all data.
 */
export async function withoutTimeouts<T>(db: Executor, work: (db: Executor) => Promise<T>): Promise<T> {
  return db.connection().execute(async (connection) => {
    await sql.raw(NO_TIMEOUTS).execute(connection)
    try {
      return await work(connection)
    } finally {
      await sql.raw(SESSION_SETTINGS).execute(connection)
    }
  })
}

/** The maximum number of named statements per connection. */
const MAX_NAMED_STATEMENTS = 500

/**
 * Sends `begin` together with the transaction's first statement, which saves a round trip per transaction.
 *
 * If the first statement writes, it is sent only after `begin` has succeeded: otherwise it would be committed on its
 * own if `begin` failed.
 *
 * Closes the connection if the server stays silent for longer than the session's timeouts allow.
 */
class PipeliningClient extends pg.Client {
  #owesBegin = false

  /** Call once connected. */
  endWhenSilent(): void {
    this.#socket.setTimeout(SILENCE_MS)
    this.#socket.once('timeout', () => this.#socket.destroy(new SilenceError()))
  }

  /** On Node, pg's stream is always a socket, encrypted or not. */
  get #socket(): Socket {
    return this.connection.stream as Socket
  }

  // biome-ignore lint/suspicious/noExplicitAny: one of pg's nine overloads is wrapped, the rest goes through.
  override query(config: any, values?: any, callback?: any): any {
    if (config === NO_TIMEOUTS) this.#socket.setTimeout(0)
    if (config === SESSION_SETTINGS) this.#socket.setTimeout(SILENCE_MS)
    if (config === 'begin') {
      this.#owesBegin = true
      return Promise.resolve({ command: 'BEGIN', rowCount: null, rows: [] })
    }
    if (!this.#owesBegin) return super.query(config, values, callback)
    this.#owesBegin = false
    return isRead(config) ? this.#withBegin(config, values) : this.#afterBegin(config, values)
  }

  async #withBegin(config: string | pg.QueryConfig, values: unknown[] | undefined): Promise<pg.QueryResult> {
    const { stream } = this.connection
    stream.cork()
    const begin = super.query('begin')
    const result = super.query(config, values)
    stream.uncork()
    await Promise.all([begin, result])
    return result
  }

  async #afterBegin(config: string | pg.QueryConfig, values: unknown[] | undefined): Promise<pg.QueryResult> {
    await super.query('begin')
    return super.query(config, values)
  }
}

class SilenceError extends Error {
  override readonly name = 'SilenceError'
  readonly code = 'ETIMEDOUT'

  constructor() {
    super(`PostgreSQL has not responded for ${SILENCE_MS / 1_000} s`)
  }
}

function isRead(query: string | pg.QueryConfig): boolean {
  return /^\s*select\b/i.test(typeof query === 'string' ? query : query.text)
}

export function postgresDialect(url: string, options: PostgresOptions): Dialect {
  const names = new Map<string, string>()

  function nameOf(text: string): string | undefined {
    let name = names.get(text)
    if (name === undefined && names.size < MAX_NAMED_STATEMENTS) {
      name = `sotto_${names.size}`
      names.set(text, name)
    }
    return name
  }

  /** Names each statement, so that PostgreSQL parses and plans it once per connection. */
  class PreparingClient extends PipeliningClient {
    // biome-ignore lint/suspicious/noExplicitAny: one of pg's nine overloads is wrapped, the rest goes through.
    override query(config: any, values?: any, callback?: any): any {
      if (typeof config === 'string' && Array.isArray(values) && values.length > 0) {
        const named: pg.QueryConfig = { name: nameOf(config), text: config, values }
        return callback ? super.query(named, callback) : super.query(named)
      }
      return super.query(config, values, callback)
    }
  }

  return new PostgresDialect({
    pool: async () => {
      const pool = new pg.Pool({
        connectionString: url,
        max: options.poolSize,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        Client: options.preparedStatements ? PreparingClient : PipeliningClient,
        pipeline: true,
        types: { getTypeParser: typeParser },
        application_name: 'sotto',
        ...(!options.pooled && {
          onConnect: async (client: pg.ClientBase) => {
            await client.query(SESSION_SETTINGS)
          },
        }),
      })
      // Without a listener, a broken idle connection would end the process. The pool replaces it on next use.
      pool.on('error', () => {})
      pool.on('connect', (client) => {
        // The pool only listens to idle connections. A connection that breaks during a query fails the query and also
        // emits an error here, which would end the process without a listener.
        client.on('error', () => {})
        if (client instanceof PipeliningClient) client.endWhenSilent()
      })
      options.onPool(pool)
      return pool
    },
  })
}

/** Parses PostgreSQL's text results into the types that queries declare, the same as on SQLite. */
function typeParser(oid: number, format?: 'text' | 'binary') {
  if (format !== 'binary') {
    if (oid === pg.types.builtins.INT8) return Number
    if (oid === pg.types.builtins.TIMESTAMPTZ) return parseTimestamp
    // JSON columns are parsed by the code that knows their contents.
    if (oid === pg.types.builtins.JSON || oid === pg.types.builtins.JSONB) return String
  }
  return pg.types.getTypeParser(oid, format as 'text')
}

/** `2026-01-31 12:00:00.123+00`. The offset has minutes if a pooler has replaced our time zone with another. */
function parseTimestamp(text: string): Date {
  const minutes = text.at(-3) === ':' ? '' : ':00'
  return new Date(`${text.slice(0, 10)}T${text.slice(11)}${minutes}`)
}
