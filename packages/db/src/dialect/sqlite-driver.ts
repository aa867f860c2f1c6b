import type Sqlite from 'better-sqlite3'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely'
import { TurnQueue } from './turn-queue.ts'

/** How long SQLite itself may block the process waiting for another process's lock, in milliseconds. */
export const BUSY_TIMEOUT_MS = 10
/** How often a busy database is tried again, without blocking, before the caller is told. */
const BUSY_ATTEMPTS = 60
const BUSY_PAUSE_MS = 50
/**
 * How long to wait for one's turn, in milliseconds. Less than what the one whose turn it is takes to find the
 * database busy, so that those behind it are not made to wait as long again, one after another.
 */
const TURN_TIMEOUT_MS = 5_000
/** How many transactions share one commit at most, so that the first does not wait for a crowd. */
const MAX_GROUP = 64

interface Files {
  writer: Sqlite.Database
  /** A second connection for reads, which sees what is committed. An in-memory database has only its writer. */
  reader: Sqlite.Database | undefined
  /** Opens one more connection for reads, where there is a file to open. */
  openReader: (() => Sqlite.Database) | undefined
}

/** Told of each commit, with how many transactions shared it. */
export type GroupCommitListener = (transactions: number) => void

interface Group {
  size: number
  waiting: { resolve: () => void; reject: (error: unknown) => void }[]
  commitScheduled: boolean
}

/**
 * Kysely on better-sqlite3, with one writer and group commit.
 *
 * A commit that survives a power loss costs an fsync, so transactions that are ready in the same turn of the
 * event loop share one: each is a savepoint in it, is rolled back alone, and is told of its success only after
 * the common commit. Reads outside a transaction see only what is committed. A transaction that is read-only has a
 * connection of its own, sees one moment of the file, and keeps nobody from writing.
 */
export class SqliteDriver implements Driver {
  readonly #open: () => Files
  readonly #turns = new TurnQueue()
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
      asOurs(connection).beginSnapshot(openReader())
      return
    }
    await this.#turns.take(TURN_TIMEOUT_MS)
    try {
      if (this.#group && this.#group.size >= MAX_GROUP) this.#commitGroup()
      if (!this.#group) {
        await this.#begin()
        this.#group = { size: 0, waiting: [], commitScheduled: false }
      }
      this.#group.size++
      this.#run('savepoint member')
      asOurs(connection).inTransaction = true
    } catch (error) {
      this.#turns.pass()
      throw error
    }
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    if (asOurs(connection).endSnapshot()) return
    const group = this.#group
    if (!group || !this.writer.inTransaction) throw rolledBack()
    this.#run('release member')
    asOurs(connection).inTransaction = false
    const committed = new Promise<void>((resolve, reject) => {
      group.waiting.push({ resolve, reject })
    })
    if (!this.#files?.reader) {
      // In memory there is no fsync to share.
      this.#commitGroup()
    } else if (!group.commitScheduled) {
      group.commitScheduled = true
      // After the sockets of this turn were read: their transactions join in.
      setImmediate(() => void this.#commitScheduled(group))
    }
    this.#turns.pass()
    await committed
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (asOurs(connection).endSnapshot()) return
    // Kysely also rolls back when the commit failed. The group is gone then, and the turn is somebody else's.
    if (!asOurs(connection).inTransaction) return
    asOurs(connection).inTransaction = false
    try {
      const group = this.#group
      if (!group) return
      if (!this.writer.inTransaction) {
        // SQLite ended the whole transaction by itself (a full disk, say): nobody in it was committed.
        this.#group = undefined
        failGroup(group, rolledBack())
        return
      }
      try {
        this.#run('rollback to member')
        this.#run('release member')
        if (group.waiting.length > 0) return
        this.#run('rollback')
        this.#group = undefined
      } catch (error) {
        // What this one did cannot be told from what the others did any more.
        this.#group = undefined
        failGroup(group, rolledBack())
        if (this.writer.inTransaction) this.#run('rollback')
        throw error
      }
    } finally {
      this.#turns.pass()
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    if (!this.#files) return
    await this.#turns.take()
    try {
      if (this.#group) this.#commitGroup()
      this.#files.reader?.close()
      this.#files.writer.close()
    } finally {
      this.#files = undefined
      this.#turns.pass()
    }
  }

  get writer(): Sqlite.Database {
    if (!this.#files) throw new Error('the database is closed')
    return this.#files.writer
  }

  get reader(): Sqlite.Database | undefined {
    return this.#files?.reader
  }

  /** Runs a statement that is not part of a transaction on the writer, after what was committed before it. */
  async alone<T>(run: () => T): Promise<T> {
    await this.#turns.take(TURN_TIMEOUT_MS)
    try {
      if (this.#group) this.#commitGroup()
      return await retryBusy(run)
    } finally {
      this.#turns.pass()
    }
  }

  async #begin(): Promise<void> {
    await retryBusy(() => this.#run('begin immediate'))
  }

  async #commitScheduled(group: Group): Promise<void> {
    await this.#turns.take()
    try {
      // A full group, a read or the end of the server may have committed it already.
      if (this.#group === group) this.#commitGroup()
    } finally {
      this.#turns.pass()
    }
  }

  /** Call it only while holding the turn. Tells everyone in the group; never throws. */
  #commitGroup(): void {
    const group = this.#group
    if (!group) return
    this.#group = undefined
    try {
      this.#run('commit')
    } catch (error) {
      if (this.writer.inTransaction) this.#run('rollback')
      failGroup(group, error)
      return
    }
    this.#onGroupCommit?.(group.waiting.length)
    for (const member of group.waiting) member.resolve()
  }

  #run(command: string): void {
    prepare(this.writer, command).run()
  }
}

/** The code is SQLite's own for it. */
function rolledBack(): Error {
  return Object.assign(new Error('the transaction was rolled back by SQLite'), {
    code: 'SQLITE_ABORT_ROLLBACK',
  })
}

function failGroup(group: Group, error: unknown): void {
  for (const member of group.waiting) member.reject(error)
}

function asOurs(connection: DatabaseConnection): SqliteConnection {
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
    // The moment is that of the first read.
    database.prepare('select count(*) from sqlite_master').get()
    this.#snapshot = database
  }

  /** @returns false when there was none. */
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
      // Outside of a transaction each statement would be committed by itself.
      if (!writer.inTransaction) throw rolledBack()
      return execute<R>(writer, query)
    }
    const reader = this.#driver.reader
    if (reader && isRead(query.sql)) return execute<R>(reader, query)
    return this.#driver.alone(() => execute<R>(this.#driver.writer, query))
  }

  /** In a read-only transaction, so many rows at a time; elsewhere the connection is others' too, and it is all rows. */
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
  /** The columns whose integers are times. */
  timeColumns: string[]
}

/** Bounds what a caller who could vary the SQL text (lists of unusual filters) makes us keep. */
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
  // What a row looks like is the query builder's knowledge; the driver hands it through.
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
