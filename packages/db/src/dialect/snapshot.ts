import { type CompiledQuery, sql } from 'kysely'
import type { Executor } from '../statement.ts'
import { isPostgres } from './column-types.ts'
import { withoutTimeouts } from './postgres.ts'

/**
 * Runs work that reads one moment of the database for as long as it takes, and keeps nobody from writing.
 *
 * It takes no transaction id on PostgreSQL, so the readers of the event log do not wait for it. What it does hold
 * back is the clearing of old row versions there, and of the write-ahead log on SQLite: both grow until it ends.
 */
export function readSnapshot<Result>(
  db: Executor,
  work: (snapshot: Executor) => Promise<Result>,
): Promise<Result> {
  const run = (on: Executor) =>
    on.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work)
  return isPostgres(db) ? withoutTimeouts(db, run) : run(db)
}

/** The rows of a query within a snapshot, so many at a time, in bounded memory. One query at a time. */
export async function* streamRows<Row>(
  snapshot: Executor,
  query: CompiledQuery<Row>,
  chunkSize: number,
): AsyncGenerator<Row[]> {
  if (!isPostgres(snapshot)) {
    for await (const { rows } of snapshot.getExecutor().stream(query, chunkSize)) yield rows
    return
  }
  // In SQL: the driver's own cursors do not go with pipelined connections.
  await snapshot.executeQuery({ ...query, sql: `declare streamed no scroll cursor for ${query.sql}` })
  for (;;) {
    const { rows } = await sql<Row>`fetch ${sql.lit(chunkSize)} from streamed`.execute(snapshot)
    if (rows.length === 0) break
    yield rows
  }
  await sql`close streamed`.execute(snapshot)
}
