import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** True on PostgreSQL, false on SQLite. Not exported from this package, which hides the differences. */
export function isPostgres(db: Pick<Kysely<unknown>, 'getExecutor'>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

interface ColumnTypes {
  uuid: RawBuilder<unknown>
  timestamp: RawBuilder<unknown>
  bigint: RawBuilder<unknown>
  json: RawBuilder<unknown>
  /** Text compared and ordered by code point. */
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

/** The values a column of `givenRows` can hold. */
export interface GivenTypes {
  uuid: string
  text: string
  bigint: number
  boolean: boolean
  /** JSON as text. */
  json: string
  timestamptz: Date
}
export type GivenType = keyof GivenTypes

/** The column types that hold such a value. */
export type GivenTypeOf<Value> = {
  [Type in GivenType]: NonNullable<Value> extends GivenTypes[Type] ? Type : never
}[GivenType]
