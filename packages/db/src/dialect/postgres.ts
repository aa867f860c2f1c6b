import type { Socket } from 'node:net'
import { type Dialect, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Executor } from '../statement.ts'
import { NO_TIMEOUTS, SESSION_SETTINGS } from './session-settings.ts'

export interface PostgresOptions {
  /** How many connections the pool holds at most. */
  poolSize: number
  /** Named prepared statements; off for a transaction pooler (pgbouncer) that does not track them. */
  preparedStatements: boolean
  /** Sessions are a transaction pooler's, and have what their role gives them. */
  pooled: boolean
  /** Called with the pool when it is made: at the first statement. */
  onPool: (pool: pg.Pool) => void
}

/** How long a request waits for a free connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000

/**
 * After how long without a word in it an answer is given up, in milliseconds. PostgreSQL ends a statement after ten
 * seconds and says so: one that says nothing is gone, as after a failover, and the system would wait for a quarter
 * of an hour.
 */
const SILENCE_MS = 12_000

/**
 * Runs work on one connection whose statements and pauses may take as long as they need: migrations, which change
 * large tables and wait for other servers to finish theirs, and what goes through everything there is.
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

/** Bounds the named statements a connection keeps. */
const MAX_NAMED_STATEMENTS = 500

/**
 * Sends `begin` together with the transaction's first statement, which saves each transaction a round trip.
 *
 * One that writes waits for the answer nonetheless: if the `begin` failed, it would be committed by itself.
 *
 * Ends when nothing is heard of the server for as long as its session's timeouts allow.
 */
class PipeliningClient extends pg.Client {
  #owesBegin = false

  /** To be called when it is connected. */
  endWhenSilent(): void {
    this.#socket.setTimeout(SILENCE_MS)
    this.#socket.once('timeout', () => this.#socket.destroy(new SilenceError()))
  }

  /** That is what pg's stream is in Node, encrypted or not. */
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
    const begun = super.query('begin')
    const answer = super.query(config, values)
    stream.uncork()
    await Promise.all([begun, answer])
    return answer
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
    super(`PostgreSQL has not answered for ${SILENCE_MS / 1_000} s`)
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

  /** Names each statement, so that PostgreSQL parses and plans it once for a connection. */
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
      // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
      pool.on('error', () => {})
      pool.on('connect', (client) => {
        // The pool listens to idle connections alone. One that breaks under a query fails the query and says it here
        // too, which without a listener would end the process as well.
        client.on('error', () => {})
        if (client instanceof PipeliningClient) client.endWhenSilent()
      })
      options.onPool(pool)
      return pool
    },
  })
}

/** Text that PostgreSQL sends, to what the queries declare: the same as on SQLite. */
function typeParser(oid: number, format?: 'text' | 'binary') {
  if (format !== 'binary') {
    if (oid === pg.types.builtins.INT8) return Number
    if (oid === pg.types.builtins.TIMESTAMPTZ) return parseTimestamp
    // JSON columns are parsed one by one, where it is known what they hold.
    if (oid === pg.types.builtins.JSON || oid === pg.types.builtins.JSONB) return String
  }
  return pg.types.getTypeParser(oid, format as 'text')
}

/** `2026-01-31 12:00:00.123+00`; with minutes in the offset where a pooler lost our time zone for another. */
function parseTimestamp(text: string): Date {
  const minutes = text.at(-3) === ':' ? '' : ':00'
  return new Date(`${text.slice(0, 10)}T${text.slice(11)}${minutes}`)
}
