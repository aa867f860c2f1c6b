import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { Executor } from '../statement.ts'
import { tableNames } from '../table-names.ts'

/*
 * On PostgreSQL: which running transactions may still append to the event log.
 *
 * A transaction gets its id when it first writes. A transaction that appends events writes only to tables of ours, and
 * PostgreSQL locks a table for writing before it assigns the id. So a running transaction that has an id, but no such
 * lock, cannot append an event with this id. It belongs to another application, another database or `pg_dump`, and
 * readers do not wait for it.
 *
 * Two rules follow for transactions that append events. They do not roll back to a savepoint, which would release the
 * locks but keep the id. And their first write is to a table that servers of the previous release know.
 */

/** The horizon, and what was found on the way. */
export interface Horizon {
  /** Every event of a transaction below is committed, and visible to later statements, or will never be. */
  xid: string
  /** The running transactions that cannot append events. */
  unrelated: readonly string[]
}

/** The locks of running transactions: on the tables of the log's writers, and on their own ids. */
const held = sql`
  select transactionid, virtualtransaction, pid, locktype = 'relation' as is_writer from pg_locks
  where granted and (
    locktype = 'transactionid' and mode = 'ExclusiveLock'
    or locktype = 'relation' and mode not in ('AccessShareLock', 'ShareUpdateExclusiveLock')
      and database = (select oid from pg_database where datname = current_database())
      and relation in (select to_regclass(name) from unnest(${tableNames}::text[]) as name)
  )`

/**
 * Finds the horizon.
 *
 * The statement's snapshot is older than its view of the locks. So a running transaction of the snapshot is a writer if
 * it has a lock on a table, and is unrelated if it has a lock on its id only. Without either it has ended, unless it is
 * just getting its id: then there is a writer without an id, and the transaction is waited for.
 */
export async function findHorizon(db: Executor): Promise<Horizon> {
  const { rows } = await sql<Horizon>`
    with held as materialized (${held}),
    transactions as (
      select max(transactionid::text) as id, bool_or(is_writer) as is_writer from held group by virtualtransaction
    ),
    running as (
      select pg_snapshot_xip(pg_current_snapshot()) as xid
    ),
    known as (
      select running.xid, held.transactionid is not null as has_lock, exists (
        select from held as other where other.is_writer and other.virtualtransaction = held.virtualtransaction
      ) as is_writer
      from running left join held on held.transactionid = running.xid::xid
    )
    select
      coalesce(
        min(xid) filter (where is_writer or not has_lock and exists (
          select from transactions where transactions.is_writer and transactions.id is null
        )),
        pg_snapshot_xmax(pg_current_snapshot())
      )::text as xid,
      coalesce(array_agg(xid::text) filter (where has_lock and not is_writer), '{}'::text[]) as unrelated
    from known
  `.execute(db)
  const [horizon] = rows
  if (!horizon) throw new Error('the horizon has no row')
  return horizon
}

/** A transaction that delays the log's readers. */
export interface LogBlocker {
  /** Null for a prepared transaction. */
  pid: number | null
  application: string
  ageMs: number
}

/**
 * The oldest transaction that delays the log's readers, if it has been running for longer than `olderThanMs`. Never on
 * SQLite.
 */
export async function findBlocker(db: Executor, olderThanMs: number): Promise<LogBlocker | undefined> {
  if (!isPostgres(db)) return undefined
  const { rows } = await sql<{ pid: number | null; application: string | null; age_ms: number }>`
    with held as materialized (${held}),
    writers as (
      select pid, max(transactionid::text)::xid as id from held group by pid, virtualtransaction
      having bool_or(is_writer) and count(transactionid) > 0
    ),
    open as (
      select writers.pid, writers.id, coalesce(prepared.gid, activity.application_name) as application,
        extract(epoch from now() - coalesce(prepared.prepared, activity.xact_start)) * 1000 as age_ms
      from writers
      left join pg_stat_activity as activity on activity.pid = writers.pid
      left join pg_prepared_xacts as prepared on prepared.transaction = writers.id
    )
    select pid, application, age_ms::float8 from open where age_ms > ${olderThanMs} order by age(id) desc limit 1
  `.execute(db)
  const [row] = rows
  return row && { pid: row.pid, application: row.application ?? '', ageMs: row.age_ms }
}
