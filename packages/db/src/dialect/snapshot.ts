import { type CompiledQuery, sql } from 'kysely'
import type { Executor } from '../statement.ts'
import { isPostgres } from './column-types.ts'
import { withoutTimeouts } from './postgres.ts'

/**
 * Runs work that reads a consistent snapshot of the database for as long as needed. Writers are not blocked.
 *
 * On PostgreSQL it takes no transaction id, so readers of the event log do not wait for it. Until it ends, old row
 * versions (PostgreSQL) or the write-ahead log (SQLite) accumulate.
 */
export function readSnapshot<Result>(
  db: Executor,
  work: (snapshot: Executor) => Promise<Result>,
): Promise<Result> {
  const run = (on: Executor) =>
    on.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work)
  return isPostgres(db) ? withoutTimeouts(db, run) : run(db)
}

/** Streams the rows of a query in a snapshot in chunks, with bounded memory. Run one at a time. */
export async function* streamRows<Row>(
  snapshot: Executor,
  query: CompiledQuery<Row>,
  chunkSize: number,
): AsyncGenerator<Row[]> {
  if (!isPostgres(snapshot)) {
    for await (const { rows } of snapshot.getExecutor().stream(query, chunkSize)) yield rows
    return
  }
  // The driver's own cursors do not work with pipelined connections.
  await snapshot.executeQuery({ ...query, sql: `declare streamed no scroll cursor for ${query.sql}` })
  for (;;) {
    const { rows } = await sql<Row>`fetch ${sql.lit(chunkSize)} from streamed`.execute(snapshot)
    if (rows.length === 0) break
    yield rows
  }
  await sql`close streamed`.execute(snapshot)
}
