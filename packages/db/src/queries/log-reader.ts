import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { type Executor, statement } from '../statement.ts'
import { type EventRow, eventColumns, type LogPosition, positionOf } from './event-log.ts'
import { findHorizon } from './log-horizon.ts'

/** The result of reading the log. */
export interface LogRead {
  rows: EventRow[]
  /** Whether committed events wait for a running transaction that may append earlier ones. Never on SQLite. */
  isHeldBack: boolean
}

interface After extends LogPosition {
  limit: number
}

const sqliteAfter = statement((db, p: After) =>
  db
    .selectFrom('events')
    .select(['id', ...eventColumns])
    .select(positionOf.sqlite.as('xid'))
    .where('id', '>', p.id)
    .orderBy('id')
    .limit(p.limit),
)

interface Below {
  /** A horizon found by an earlier statement. */
  horizon: string
  /** Transactions that are not waited for. */
  unrelated: readonly string[]
}

const settledIn = ({ horizon, unrelated }: Below) => sql<boolean>`
  events.xid < (
    select greatest(${horizon}::xid8, coalesce(min(running), pg_snapshot_xmax(pg_current_snapshot())))
    from pg_snapshot_xip(pg_current_snapshot()) as running where running <> all (${unrelated}::xid8[])
  )`

const postgresAfter = statement((db, p: After & Below) =>
  db
    .selectFrom('events')
    .select(['id', ...eventColumns])
    .select(positionOf.postgres.as('xid'))
    .select(settledIn(p).as('is_settled'))
    .where(sql<boolean>`(events.xid, events.id) > (${p.xid}::xid8, ${p.id}::bigint)`)
    .orderBy(sql`events.xid`)
    .orderBy('id')
    .limit(p.limit),
)

/**
 * How long the transactions that a search for the horizon found are remembered, in milliseconds. Much less than a
 * failover takes, after which a new transaction can get the id of one that was lost.
 */
const REMEMBER_MS = 500

/**
 * Reads the event log in commit order. Only transactions that may append events delay it.
 *
 * Looks at the locks of the database only if a running transaction is in the way that it does not know yet.
 */
export class LogReader {
  readonly #db: Executor
  #isHeldBack = false
  #unrelated: readonly string[] = []
  #foundAt = Number.NEGATIVE_INFINITY

  constructor(db: Executor) {
    this.#db = db
  }

  /** The events after a position, in order. There may be more if `limit` rows are returned, or if it is held back. */
  async read(after: LogPosition, limit: number): Promise<LogRead> {
    const range = { xid: after.xid, id: after.id, limit }
    if (!isPostgres(this.#db)) return { rows: await sqliteAfter(this.#db, range), isHeldBack: false }
    if (performance.now() - this.#foundAt > REMEMBER_MS) this.#unrelated = []
    // While the log is held back, each hint leads to a read. One row is enough to find out whether that has ended.
    const part = this.#isHeldBack ? { ...range, limit: 1 } : range
    let horizon = '0'
    let found = await this.#readBelow(part, horizon)
    if (found.isHeldBack && found.rows.length === 0) {
      const { xid, unrelated } = await findHorizon(this.#db)
      horizon = xid
      this.#unrelated = unrelated
      this.#foundAt = performance.now()
      // Not the rows from before: a transaction below the horizon may have been committed since.
      found = await this.#readBelow(part, horizon)
    }
    this.#isHeldBack = found.isHeldBack && found.rows.length === 0
    return part === range || this.#isHeldBack ? found : this.#readBelow(range, horizon)
  }

  async #readBelow(range: After, horizon: string): Promise<LogRead> {
    const found = await postgresAfter(this.#db, { ...range, horizon, unrelated: this.#unrelated })
    const unsettled = found.findIndex((row) => !row.is_settled)
    const settled = unsettled === -1 ? found : found.slice(0, unsettled)
    return { rows: settled.map(({ is_settled: _, ...row }) => row), isHeldBack: unsettled !== -1 }
  }
}
