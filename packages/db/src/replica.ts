import { setTimeout } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { postgresDialect } from './dialect/postgres.ts'
import { isUnavailable } from './errors.ts'
import type { Schema } from './schema.ts'
import { SharedQuestion } from './shared-question.ts'
import type { Executor } from './statement.ts'

export interface ReplicaOptions {
  /** A streaming replica of the primary. */
  url: string
  primary: Executor
  poolSize: number
  preparedStatements: boolean
  /** How long a read waits for the replica to have what was committed before it, in milliseconds. */
  maxLagMs: number
  /** A read was answered. */
  onRead: (place: 'replica' | 'primary') => void
  /** It is used from now on. */
  onUsable: () => void
  /** It is not used, from the start or any more: told once until it is again. */
  onUnusable: (error: unknown) => void
}

/** How often a replica that was given up is looked at again. */
const PROBE_MS = 1_000
/** Between two looks at how far it is. */
const PAUSE_MS = 2
/** A replica that answers later than this is given up: whoever asked still has to be answered. */
const READ_LIMIT_MS = 2_000

/**
 * Reads lists on a replica, which shows at least what was committed when the read began, whoever wrote it and over
 * whichever server: the primary's place in its log is asked first, and the replica has to be there. One that does
 * not come there in time, or is gone, is given up until it has; reads go to the primary meanwhile.
 */
export class Replica implements AsyncDisposable {
  readonly #options: ReplicaOptions
  readonly #db: Executor
  readonly #written: SharedQuestion<number>
  readonly #replayed: SharedQuestion<number>
  readonly #closing = new AbortController()
  readonly #probing: Promise<void>
  /** How far it is known to be. */
  #place = 0
  #usable = false
  /** That it is not used. */
  #told = false

  constructor(options: ReplicaOptions) {
    this.#options = options
    const { url, poolSize, preparedStatements } = options
    this.#db = new Kysely<Schema>({
      dialect: postgresDialect(url, { poolSize, preparedStatements, pooled: false, onPool() {} }),
    })
    this.#written = new SharedQuestion(() => flushedLsn(options.primary))
    this.#replayed = new SharedQuestion(() => replayedLsn(this.#db))
    this.#probing = this.#probe()
  }

  /**
   * @param work reads, and nothing else: it is begun anew on the primary when the replica fails it.
   */
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

  /** Returns when it has all that is committed by now. */
  async #catchUp(): Promise<void> {
    const { maxLagMs } = this.#options
    const wanted = await this.#written.ask()
    const until = performance.now() + maxLagMs
    while (this.#place < wanted) {
      const left = until - performance.now()
      if (left <= 0) throw new ReplicaError(`is more than ${maxLagMs} ms behind`)
      this.#place = await within(left, this.#replayed.ask())
      if (this.#place < wanted) await setTimeout(PAUSE_MS)
    }
  }

  #giveUp(error: unknown): void {
    this.#usable = false
    if (this.#told) return
    this.#told = true
    this.#options.onUnusable(error)
  }

  /** Looks now and then whether a replica that is not used can be. */
  async #probe(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      if (!this.#usable) await this.#tryToUse()
      await setTimeout(PROBE_MS, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  async #tryToUse(): Promise<void> {
    try {
      this.#place = 0
      await within(READ_LIMIT_MS, requireReplicaOf(this.#db, this.#options.primary))
      await this.#catchUp()
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#giveUp(error)
      return
    }
    this.#usable = true
    this.#told = false
    this.#options.onUsable()
  }
}

/** For how long a replica is waited for that is only looked at, in milliseconds. */
const LOOK_MS = 5_000

/**
 * Looks at a replica once: how long it takes to show what is committed now, in milliseconds.
 *
 * @returns undefined when it does not within 5 s.
 * @throws when it does not answer, or is no replica of the primary.
 */
export async function inspectReplica({
  url,
  primary,
  preparedStatements,
}: Pick<ReplicaOptions, 'url' | 'primary' | 'preparedStatements'>): Promise<number | undefined> {
  await using db = new Kysely<Schema>({
    dialect: postgresDialect(url, { poolSize: 1, preparedStatements, pooled: false, onPool() {} }),
  })
  await within(LOOK_MS, requireReplicaOf(db, primary))
  const wanted = await flushedLsn(primary)
  const begun = performance.now()
  while ((await within(LOOK_MS, replayedLsn(db))) < wanted) {
    if (performance.now() - begun > LOOK_MS) return undefined
    await setTimeout(PAUSE_MS)
  }
  return performance.now() - begun
}

class ReplicaError extends Error {
  override readonly name = 'ReplicaError'
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = setTimeout(ms, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new ReplicaError('does not answer in time')
  })
  // One of the two is not waited for in the end.
  late.catch(() => {})
  work.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

/** Bytes of log that the primary has on its disk: all that was committed is in them, unless `synchronous_commit` is off. */
async function flushedLsn(primary: Executor): Promise<number> {
  const { rows } = await sql<{ place: number }>`
    select (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint as place`.execute(primary)
  return rows[0]?.place ?? 0
}

/** Bytes of log that the replica shows. */
async function replayedLsn(replica: Executor): Promise<number> {
  const { rows } = await sql<{ place: number | null }>`
    select case when pg_is_in_recovery() then (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint end as place
  `.execute(replica)
  const place = rows[0]?.place ?? undefined
  if (place === undefined) throw new ReplicaError('is no replica any more')
  return place
}

/** A place in one's log says nothing of another one's. */
async function requireReplicaOf(replica: Executor, primary: Executor): Promise<void> {
  const systemOf = async (db: Executor) => {
    const { rows } = await sql<{ id: string }>`
      select system_identifier::text || ' ' || current_database() as id from pg_control_system()`.execute(db)
    return rows[0]?.id
  }
  const [theirs, ours] = await Promise.all([systemOf(replica), systemOf(primary)])
  if (theirs !== ours) throw new ReplicaError('is no replica of the database')
}
