import type { Kysely } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)
  await db.schema
    .alterTable('second_factors')
    .addColumn('wrong_codes', type.bigint, (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('second_factors').addColumn('wrong_codes_at', type.timestamp).execute()
  await db.schema.alterTable('second_factors').addColumn('last_wrong_code_at', type.timestamp).execute()
}
