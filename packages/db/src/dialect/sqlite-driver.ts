import type Sqlite from 'better-sqlite3'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely'
import { FairLock } from './fair-lock.ts'

/** How long SQLite may block the process waiting for another process's lock, in milliseconds. */
export const BUSY_TIMEOUT_MS = 10
/** How many times to retry, without blocking the process, while the database is busy. */
const BUSY_ATTEMPTS = 60
const BUSY_PAUSE_MS = 50
/**
 * How long to wait for the write lock, in milliseconds. Shorter than the holder takes to give up on a busy database, so
 * that those waiting do not each wait that long in turn.
 */
const WRITE_LOCK_TIMEOUT_MS = 5_000
/** The maximum number of transactions per commit, so that the first does not wait too long. */
const MAX_GROUP = 64

interface Files {
  writer: Sqlite.Database
  /** A second connection, for reads of committed data. Undefined in memory, where there is only the writer. */
  reader: Sqlite.Database | undefined
  /** Opens another connection for reads. Undefined in memory. */
  openReader: (() => Sqlite.Database) | undefined
}

/** Called after each commit with the number of transactions in it. */
export type GroupCommitListener = (transactions: number) => void

interface Group {
  size: number
  waiting: { resolve: () => void; reject: (error: unknown) => void }[]
  commitScheduled: boolean
}

/**
 * A Kysely driver for better-sqlite3 with one writer and group commit.
 *
 * A commit that survives a power loss costs an fsync, so transactions that are ready in the same iteration of the event
 * loop share one. Each is a savepoint in a common transaction, can be rolled back alone, and succeeds only after the
 * common commit. Reads outside a transaction see only committed data. A read-only transaction has its own connection,
 * reads a consistent snapshot, and does not block writers.
 */
export class SqliteDriver implements Driver {
  readonly #open: () => Files
  readonly #writeLock = new FairLock()
  readonly #onGroupCommit: GroupCommitListener | undefined
  #files: Files | undefined
  #group: Group | undefined

  constructor(open: () => Files, onGroupCommit?: GroupCommitListener) {
    this.#open = open
    this.#onGroupCommit = onGroupCommit
  }

  async init(): Promise<void> {
    this.#files = this.#open()
  }

  async acquireConnection(): Promise<SqliteConnection> {
    return new SqliteConnection(this)
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const openReader = settings.accessMode === 'read only' ? this.#files?.openReader : undefined
    if (openReader) {
      asSqliteConnection(connection).beginSnapshot(openReader())
      return
    }
    await this.#writeLock.acquire(WRITE_LOCK_TIMEOUT_MS)
    try {
      if (this.#group && this.#group.size >= MAX_GROUP) this.#commitGroup()
      if (!this.#group) {
        await this.#begin()
        this.#group = { size: 0, waiting: [], commitScheduled: false }
      }
      this.#group.size++
      this.#run('savepoint member')
      asSqliteConnection(connection).inTransaction = true
    } catch (error) {
      this.#writeLock.release()
      throw error
    }
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    if (asSqliteConnection(connection).endSnapshot()) return
    const group = this.#group
    if (!group || !this.writer.inTransaction) throw rolledBack()
    this.#run('release member')
    asSqliteConnection(connection).inTransaction = false
    const committed = new Promise<void>((resolve, reject) => {
      group.waiting.push({ resolve, reject })
    })
    if (!this.#files?.reader) {
      // An in-memory database has no fsync to share.
      this.#commitGroup()
    } else if (!group.commitScheduled) {
      group.commitScheduled = true
      // Runs after pending socket reads, so that transactions started by them can join.
      setImmediate(() => void this.#commitScheduled(group))
    }
    this.#writeLock.release()
    await committed
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (asSqliteConnection(connection).endSnapshot()) return
    // Kysely also rolls back after a failed commit. By then the group is gone and another caller holds the lock.
    if (!asSqliteConnection(connection).inTransaction) return
    asSqliteConnection(connection).inTransaction = false
    try {
      const group = this.#group
      if (!group) return
      if (!this.writer.inTransaction) {
        // SQLite rolled back the whole transaction, for example because the disk is full. No member was committed.
        this.#group = undefined
        rejectGroup(group, rolledBack())
        return
      }
      try {
        this.#run('rollback to member')
        this.#run('release member')
        if (group.waiting.length > 0) return
        this.#run('rollback')
        this.#group = undefined
      } catch (error) {
        // The changes of this transaction can no longer be separated from those of the others.
        this.#group = undefined
        rejectGroup(group, rolledBack())
        if (this.writer.inTransaction) this.#run('rollback')
        throw error
      }
    } finally {
      this.#writeLock.release()
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    if (!this.#files) return
    await this.#writeLock.acquire()
    try {
      if (this.#group) this.#commitGroup()
      this.#files.reader?.close()
      this.#files.writer.close()
    } finally {
      this.#files = undefined
      this.#writeLock.release()
    }
  }

  get writer(): Sqlite.Database {
    if (!this.#files) throw new Error('the database is closed')
    return this.#files.writer
  }

  get reader(): Sqlite.Database | undefined {
    return this.#files?.reader
  }

  /** Runs a statement outside a transaction on the writer, after committing the open group. */
  async autocommit<T>(run: () => T): Promise<T> {
    await this.#writeLock.acquire(WRITE_LOCK_TIMEOUT_MS)
    try {
      if (this.#group) this.#commitGroup()
      return await retryBusy(run)
    } finally {
      this.#writeLock.release()
    }
  }

  async #begin(): Promise<void> {
    await retryBusy(() => this.#run('begin immediate'))
  }

  async #commitScheduled(group: Group): Promise<void> {
    await this.#writeLock.acquire()
    try {
      // The limit of the group, another write or closing the database may have committed it already.
      if (this.#group === group) this.#commitGroup()
    } finally {
      this.#writeLock.release()
    }
  }

  /** Requires the write lock. Settles all members of the group. Never throws. */
  #commitGroup(): void {
    const group = this.#group
    if (!group) return
    this.#group = undefined
    try {
      this.#run('commit')
    } catch (error) {
      if (this.writer.inTransaction) this.#run('rollback')
      rejectGroup(group, error)
      return
    }
    this.#onGroupCommit?.(group.waiting.length)
    for (const member of group.waiting) member.resolve()
  }

  #run(command: string): void {
    prepare(this.writer, command).run()
  }
}

/** With SQLite's own code for this. */
function rolledBack(): Error {
  return Object.assign(new Error('the transaction was rolled back by SQLite'), {
    code: 'SQLITE_ABORT_ROLLBACK',
  })
}

function rejectGroup(group: Group, error: unknown): void {
  for (const member of group.waiting) member.reject(error)
}

function asSqliteConnection(connection: DatabaseConnection): SqliteConnection {
  if (!(connection instanceof SqliteConnection)) throw new Error('not a connection of this driver')
  return connection
}

export class SqliteConnection implements DatabaseConnection {
  inTransaction = false
  readonly #driver: SqliteDriver
  #snapshot: Sqlite.Database | undefined

  constructor(driver: SqliteDriver) {
    this.#driver = driver
  }

  beginSnapshot(database: Sqlite.Database): void {
    database.exec('begin')
    // SQLite takes the snapshot at the first read, not at `begin`.
    database.prepare('select count(*) from sqlite_master').get()
    this.#snapshot = database
  }

  /** Closes the snapshot. @returns false if there was none. */
  endSnapshot(): boolean {
    if (!this.#snapshot) return false
    this.#snapshot.close()
    this.#snapshot = undefined
    return true
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#snapshot) return execute<R>(this.#snapshot, query)
    if (this.inTransaction) {
      const { writer } = this.#driver
      // SQLite has ended the transaction. Without it, each statement would be committed separately.
      if (!writer.inTransaction) throw rolledBack()
      return execute<R>(writer, query)
    }
    const reader = this.#driver.reader
    if (reader && isRead(query.sql)) return execute<R>(reader, query)
    return this.#driver.autocommit(() => execute<R>(this.#driver.writer, query))
  }

  /**
   * Streams in chunks in a read-only transaction. Otherwise the connection is shared, so it returns all rows at once.
   */
  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    if (this.#snapshot) yield* executeInChunks<R>(this.#snapshot, query, chunkSize)
    else yield await this.executeQuery<R>(query)
  }
}

function isRead(sql: string): boolean {
  return /^\s*(select|explain)\b/i.test(sql)
}

interface PreparedStatement {
  statement: Sqlite.Statement
  /** The columns that hold times as integers. */
  timeColumns: string[]
}

/** Limits memory use if the SQL text varies, as with unusual combinations of filters. */
const MAX_PREPARED = 500
const preparedBy = new WeakMap<Sqlite.Database, Map<string, PreparedStatement>>()

function prepare(database: Sqlite.Database, sql: string): Sqlite.Statement {
  return preparedStatement(database, sql).statement
}

function preparedStatement(database: Sqlite.Database, sql: string): PreparedStatement {
  let prepared = preparedBy.get(database)
  if (!prepared) {
    prepared = new Map()
    preparedBy.set(database, prepared)
  }
  const known = prepared.get(sql)
  if (known) return known
  const statement = database.prepare(sql)
  const timeColumns = statement.reader
    ? statement
        .columns()
        .map((column) => column.name)
        .filter((name) => name.endsWith('_at'))
    : []
  if (prepared.size >= MAX_PREPARED) prepared.clear()
  const fresh = { statement, timeColumns }
  prepared.set(sql, fresh)
  return fresh
}

function execute<R>(database: Sqlite.Database, query: CompiledQuery): QueryResult<R> {
  const { statement, timeColumns } = preparedStatement(database, query.sql)
  const parameters = query.parameters.map(toSqlite)
  if (!statement.reader) {
    const { changes } = statement.run(parameters)
    return { numAffectedRows: BigInt(changes), rows: [] }
  }
  return { rows: withTimes<R>(statement.all(parameters), timeColumns) }
}

function* executeInChunks<R>(
  database: Sqlite.Database,
  query: CompiledQuery,
  chunkSize: number,
): Generator<QueryResult<R>> {
  const { statement, timeColumns } = preparedStatement(database, query.sql)
  let chunk: unknown[] = []
  for (const row of statement.iterate(query.parameters.map(toSqlite))) {
    chunk.push(row)
    if (chunk.length < chunkSize) continue
    yield { rows: withTimes<R>(chunk, timeColumns) }
    chunk = []
  }
  if (chunk.length > 0) yield { rows: withTimes<R>(chunk, timeColumns) }
}

function withTimes<R>(rows: unknown[], timeColumns: readonly string[]): R[] {
  for (const column of timeColumns) {
    for (const row of rows as Record<string, unknown>[]) {
      const value = row[column]
      if (typeof value === 'number') row[column] = new Date(value)
    }
  }
  // The type of a row is known to the query builder only.
  return rows as R[]
}

/** Times are stored as integers: milliseconds since 1970, UTC. */
function toSqlite(value: unknown): unknown {
  return value instanceof Date ? value.getTime() : value
}

export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}

async function retryBusy<T>(run: () => T): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return run()
    } catch (error) {
      if (!isBusy(error) || attempt === BUSY_ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS))
    }
  }
}
