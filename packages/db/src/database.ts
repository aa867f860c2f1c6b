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
  /** PostgreSQL: how many connections at most. */
  poolSize?: number
  /** PostgreSQL: false behind a transaction pooler that does not track named statements. */
  preparedStatements?: boolean
  /** PostgreSQL: true where the URL is a transaction pooler's. Its sessions have what `setRoleDefaults` gives them. */
  pooled?: boolean
  /** SQLite: hold the file for this process, as a server does. */
  exclusive?: boolean
  /** Told of each statement after it ran (begin and commit aside), for tests and measurements. */
  onStatement?: StatementListener | undefined
  /** SQLite alone. */
  onGroupCommit?: GroupCommitListener | undefined
}

export type StatementListener = (
  sql: string,
  parameters: readonly unknown[],
  outcome: StatementOutcome,
) => void

/** What came of a statement. */
export interface StatementOutcome {
  /** From when it was handed to the driver, in milliseconds. */
  durationMs: number
  /** What it failed with; undefined where it did not. */
  error?: unknown
}

/** How a PostgreSQL server's connections are used right now. */
export interface PoolLoad {
  /** How many there may be. */
  size: number
  inUse: number
  /** Statements and transactions without one. */
  waiting: number
}

export interface Database extends AsyncDisposable {
  readonly db: Executor
  /** Where the data is, for people; no password in it. */
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
 * Opens a database. SQLite files are made when they are missing.
 *
 * @throws {DatabaseOpenError} with one line for the operator.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const target = parseDatabaseUrl(options.url)
  const unlock = target.kind === 'sqlite' && options.exclusive ? lockSqliteFile(target.path) : () => {}
  const poolSize = options.poolSize ?? DEFAULT_POOL_SIZE
  let pool: Pool | undefined
  const dialect: Dialect =
    target.kind === 'sqlite'
      ? sqliteDialect(target.path, options.onGroupCommit)
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

/** @throws {DatabaseOpenError} for anything that is not one of the three forms. */
export function parseDatabaseUrl(url: string): Target {
  if (url === 'file::memory:') return { kind: 'sqlite', path: ':memory:', location: 'memory, gone at exit' }
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
    // Reads the file's header and schema: what is not a database fails here.
    await sql`select count(*) from sqlite_master`.execute(db)
    return
  }
  const { rows } = await sql<{ version: number; encoding: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding
  `.execute(db)
  const version = rows[0]?.version ?? 0
  if (version < MINIMUM_POSTGRES) {
    throw new DatabaseOpenError(`PostgreSQL 15 or newer is needed, this is ${Math.floor(version / 10_000)}`)
  }
  if (rows[0]?.encoding !== 'UTF8') {
    throw new DatabaseOpenError(`the database must be encoded in UTF8, this one is in ${rows[0]?.encoding}`)
  }
}
