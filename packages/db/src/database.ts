import { type Dialect, Kysely, type Logger, sql } from 'kysely'
import type { Pool } from 'pg'
import { isPostgres } from './dialect/column-types.ts'
import { postgresDialect } from './dialect/postgres.ts'
import { lockSqliteFile, sqliteDialect } from './dialect/sqlite.ts'
import type { GroupCommitListener } from './dialect/sqlite-driver.ts'
import { DatabaseOpenError, firstLine } from './errors.ts'
import { isReady, type Migrated, migrate, pendingMigrations, requireSchema } from './migrate.ts'
import type { Schema } from './schema.ts'
import type { Executor } from './statement.ts'

export interface DatabaseOptions {
  /** `file:./data/sotto.db`, `file::memory:` or `postgres://…`. */
  url: string
  /** PostgreSQL: the maximum number of connections. */
  poolSize?: number
  /** PostgreSQL: false behind a transaction pooler that does not track named statements. */
  preparedStatements?: boolean
  /**
   * PostgreSQL: true if the URL is that of a transaction pooler. Its sessions take their settings from
   * `setRoleDefaults`.
   */
  pooled?: boolean
  /** SQLite: lock the file for this process, as a server does. */
  exclusive?: boolean
  /** SQLite in memory: starts with a copy of this database. */
  image?: Buffer | undefined
  /** Called after each statement except begin, commit and rollback. For tests and measurements. */
  onStatement?: StatementListener | undefined
  /** SQLite only. */
  onGroupCommit?: GroupCommitListener | undefined
}

export type StatementListener = (
  sql: string,
  parameters: readonly unknown[],
  outcome: StatementOutcome,
) => void

/** The result of a statement. */
export interface StatementOutcome {
  /** Time since the statement was passed to the driver, in milliseconds. */
  durationMs: number
  /** Undefined if the statement succeeded. */
  error?: unknown
}

/** The current use of the PostgreSQL connection pool. */
export interface PoolLoad {
  /** The maximum number of connections. */
  size: number
  inUse: number
  /** Statements and transactions that wait for a connection. */
  waiting: number
}

export interface Database extends AsyncDisposable {
  readonly db: Executor
  /** A readable description of where the data is, without the password. */
  readonly location: string
  /** @see migrate */
  migrate(): Promise<Migrated>
  /** @see requireSchema */
  requireSchema(): Promise<string[]>
  /** @see pendingMigrations */
  pendingMigrations(): Promise<string[]>
  /** @see isReady */
  isReady(): Promise<boolean>
  /** Undefined on SQLite, which has no pool. */
  poolLoad(): PoolLoad | undefined
}

const DEFAULT_POOL_SIZE = 10
const MINIMUM_POSTGRES = 150_000

/**
 * Opens a database. A missing SQLite file is created.
 *
 * @throws {DatabaseOpenError} with a one-line message for the operator.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const target = parseDatabaseUrl(options.url)
  const unlock = target.kind === 'sqlite' && options.exclusive ? lockSqliteFile(target.path) : () => {}
  const poolSize = options.poolSize ?? DEFAULT_POOL_SIZE
  let pool: Pool | undefined
  const dialect: Dialect =
    target.kind === 'sqlite'
      ? sqliteDialect(options.image ?? target.path, options.onGroupCommit)
      : postgresDialect(options.url, {
          poolSize,
          preparedStatements: options.preparedStatements ?? true,
          pooled: options.pooled ?? false,
          onPool: (opened) => {
            pool = opened
          },
        })
  const db: Executor = new Kysely<Schema>({
    dialect,
    ...(options.onStatement && { log: toLogger(options.onStatement) }),
  })
  try {
    await checkServer(db)
  } catch (error) {
    await db.destroy().catch(() => {})
    unlock()
    if (error instanceof DatabaseOpenError) throw error
    throw new DatabaseOpenError(`cannot open ${target.location}: ${firstLine(error)}`, { cause: error })
  }
  return {
    db,
    location: target.location,
    migrate: () => migrate(db),
    requireSchema: () => requireSchema(db),
    pendingMigrations: () => pendingMigrations(db),
    isReady: () => isReady(db),
    poolLoad: () =>
      pool && {
        size: poolSize,
        inUse: pool.totalCount - pool.idleCount,
        waiting: pool.waitingCount,
      },
    async [Symbol.asyncDispose]() {
      await db.destroy()
      unlock()
    },
  }
}

const TRANSACTION_CONTROL = /^(begin|commit|rollback)$/

function toLogger(listener: StatementListener): Logger {
  return (event) => {
    const { sql, parameters } = event.query
    if (TRANSACTION_CONTROL.test(sql)) return
    const durationMs = event.queryDurationMillis
    listener(sql, parameters, event.level === 'error' ? { durationMs, error: event.error } : { durationMs })
  }
}

type Target = { kind: 'sqlite'; path: string; location: string } | { kind: 'postgres'; location: string }

/** @throws {DatabaseOpenError} if the URL has none of the three forms. */
export function parseDatabaseUrl(url: string): Target {
  if (url === 'file::memory:') return { kind: 'sqlite', path: ':memory:', location: 'memory (lost at exit)' }
  if (/^file:(?!\/\/)[^?#]+$/.test(url)) {
    const path = url.slice('file:'.length)
    return { kind: 'sqlite', path, location: path }
  }
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) {
    const { hostname, port, pathname } = new URL(url)
    return { kind: 'postgres', location: `PostgreSQL at ${hostname}:${port || 5432}${pathname}` }
  }
  throw new DatabaseOpenError(
    'must be file:<path>, file::memory: or postgres://<user>:<password>@<host>:<port>/<database>',
  )
}

async function checkServer(db: Executor): Promise<void> {
  if (!isPostgres(db)) {
    // Reads the file's header and schema, so a file that is not a database fails here.
    await sql`select count(*) from sqlite_master`.execute(db)
    return
  }
  const { rows } = await sql<{ version: number; encoding: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding
  `.execute(db)
  const version = rows[0]?.version ?? 0
  if (version < MINIMUM_POSTGRES) {
    throw new DatabaseOpenError(
      `PostgreSQL must be version 15 or newer, but is ${Math.floor(version / 10_000)}`,
    )
  }
  if (rows[0]?.encoding !== 'UTF8') {
    throw new DatabaseOpenError(`the database encoding must be UTF8, but is ${rows[0]?.encoding}`)
  }
}
