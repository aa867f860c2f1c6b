import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** True on PostgreSQL, false on SQLite. For this package alone: what differs is handled here. */
export function isPostgres(db: Pick<Kysely<unknown>, 'getExecutor'>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

interface ColumnTypes {
  uuid: RawBuilder<unknown>
  timestamp: RawBuilder<unknown>
  bigint: RawBuilder<unknown>
  json: RawBuilder<unknown>
  /** Text that is compared and ordered by code point on both. */
  key: RawBuilder<unknown>
}

export function columnTypes(db: Kysely<unknown>): ColumnTypes {
  return isPostgres(db)
    ? {
        uuid: sql`uuid`,
        timestamp: sql`timestamptz(3)`,
        bigint: sql`bigint`,
        json: sql`json`,
        key: sql`text collate "C"`,
      }
    : { uuid: sql`text`, timestamp: sql`integer`, bigint: sql`integer`, json: sql`text`, key: sql`text` }
}
