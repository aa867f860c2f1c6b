import type { Kysely } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

/** Null for stays that began before this migration. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('participants').addColumn('added_by', columnTypes(db).uuid).execute()
}
