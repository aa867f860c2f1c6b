import { setTimeout } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { postgresDialect } from './dialect/postgres.ts'
import { isUnavailable } from './errors.ts'
import type { Schema } from './schema.ts'
import { SharedCall } from './shared-call.ts'
import type { Executor } from './statement.ts'

export interface ReplicaOptions {
  /** A streaming replica of the primary. */
  url: string
  primary: Executor
  poolSize: number
  preparedStatements: boolean
  /** How long a read waits for the replica to catch up with the primary, in milliseconds. */
  maxLagMs: number
  /** Called after each read with the database that served it. */
  onRead: (source: 'replica' | 'primary') => void
  /** Called when the replica becomes usable. */
  onUsable: () => void
  /** Called when the replica is found unusable, at the start or later. Not repeated until it has been usable again. */
  onUnusable: (error: unknown) => void
}

/** The interval between attempts to use an unusable replica, in milliseconds. */
const PROBE_MS = 1_000
/** The pause between two queries of the replica's position, in milliseconds. */
const PAUSE_MS = 2
/** How long a read may take on the replica, in milliseconds. Leaves enough time to read from the primary instead. */
const READ_LIMIT_MS = 2_000

/**
 * Reads lists from a replica that has caught up with the primary: a read sees at least what was committed when it
 * began, by any server. If the replica does not catch up in time or fails, reads go to the primary until the replica
 * has caught up again.
 */
export class Replica implements AsyncDisposable {
  readonly #options: ReplicaOptions
  readonly #db: Executor
  readonly #flushedLsn: SharedCall<number>
  readonly #replayedLsn: SharedCall<number>
  readonly #closing = new AbortController()
  readonly #probing: Promise<void>
  /** The last known position of the replica in the primary's log. */
  #replayedTo = 0
  #usable = false
  /** Whether `onUnusable` was called since the replica was last usable. */
  #reportedUnusable = false

  constructor(options: ReplicaOptions) {
    this.#options = options
    const { url, poolSize, preparedStatements } = options
    this.#db = new Kysely<Schema>({
      dialect: postgresDialect(url, { poolSize, preparedStatements, pooled: false, onPool() {} }),
    })
    this.#flushedLsn = new SharedCall(() => flushedLsn(options.primary))
    this.#replayedLsn = new SharedCall(() => replayedLsn(this.#db))
    this.#probing = this.#probe()
  }

  /** @param work only reads: it is repeated on the primary if the replica fails. */
  async read<Result>(work: (db: Executor) => Promise<Result>): Promise<Result> {
    const { primary, onRead } = this.#options
    if (this.#usable) {
      try {
        await this.#catchUp()
        const result = await within(READ_LIMIT_MS, work(this.#db))
        onRead('replica')
        return result
      } catch (error) {
        if (!(error instanceof ReplicaError) && !isUnavailable(error)) throw error
        this.#giveUp(error)
      }
    }
    onRead('primary')
    return work(primary)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#probing
    await this.#db.destroy()
  }

  /** Resolves once the replica has everything committed before this call. */
  async #catchUp(): Promise<void> {
    const { maxLagMs } = this.#options
    const target = await this.#flushedLsn.run()
    const until = performance.now() + maxLagMs
    while (this.#replayedTo < target) {
      const left = until - performance.now()
      if (left <= 0) throw new ReplicaError(`is more than ${maxLagMs} ms behind`)
      this.#replayedTo = await within(left, this.#replayedLsn.run())
      if (this.#replayedTo < target) await setTimeout(PAUSE_MS)
    }
  }

  #giveUp(error: unknown): void {
    this.#usable = false
    if (this.#reportedUnusable) return
    this.#reportedUnusable = true
    this.#options.onUnusable(error)
  }

  /** Retries an unusable replica at intervals. */
  async #probe(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      if (!this.#usable) await this.#tryToUse()
      await setTimeout(PROBE_MS, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  async #tryToUse(): Promise<void> {
    try {
      this.#replayedTo = 0
      await within(READ_LIMIT_MS, requireReplicaOf(this.#db, this.#options.primary))
      await this.#catchUp()
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#giveUp(error)
      return
    }
    this.#usable = true
    this.#reportedUnusable = false
    this.#options.onUsable()
  }
}

/** How long `inspectReplica` waits for the replica, in milliseconds. */
const INSPECT_MS = 5_000

/**
 * Measures how long the replica takes to show what is committed now, in milliseconds.
 *
 * @returns undefined if it takes longer than 5 s.
 * @throws if the replica does not respond, or belongs to another primary.
 */
export async function inspectReplica({
  url,
  primary,
  preparedStatements,
}: Pick<ReplicaOptions, 'url' | 'primary' | 'preparedStatements'>): Promise<number | undefined> {
  await using db = new Kysely<Schema>({
    dialect: postgresDialect(url, { poolSize: 1, preparedStatements, pooled: false, onPool() {} }),
  })
  await within(INSPECT_MS, requireReplicaOf(db, primary))
  const target = await flushedLsn(primary)
  const startedAt = performance.now()
  while ((await within(INSPECT_MS, replayedLsn(db))) < target) {
    if (performance.now() - startedAt > INSPECT_MS) return undefined
    await setTimeout(PAUSE_MS)
  }
  return performance.now() - startedAt
}

class ReplicaError extends Error {
  override readonly name = 'ReplicaError'
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = setTimeout(ms, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new ReplicaError('does not respond in time')
  })
  // The promise that loses the race must not cause an unhandled rejection.
  late.catch(() => {})
  work.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

/** The number of log bytes the primary has flushed. They include all commits, unless `synchronous_commit` is off. */
async function flushedLsn(primary: Executor): Promise<number> {
  const { rows } = await sql<{ place: number }>`
    select (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint as place`.execute(primary)
  return rows[0]?.place ?? 0
}

/** The number of log bytes the replica has replayed. */
async function replayedLsn(replica: Executor): Promise<number> {
  const { rows } = await sql<{ place: number | null }>`
    select case when pg_is_in_recovery() then (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint end as place
  `.execute(replica)
  const position = rows[0]?.place ?? undefined
  if (position === undefined) throw new ReplicaError('is no longer a replica')
  return position
}

/** Log positions are only comparable between a primary and its own replicas. */
async function requireReplicaOf(replica: Executor, primary: Executor): Promise<void> {
  const systemOf = async (db: Executor) => {
    const { rows } = await sql<{ id: string }>`
      select system_identifier::text || ' ' || current_database() as id from pg_control_system()`.execute(db)
    return rows[0]?.id
  }
  const [theirs, ours] = await Promise.all([systemOf(replica), systemOf(primary)])
  if (theirs !== ours) throw new ReplicaError('is not a replica of the database')
}
