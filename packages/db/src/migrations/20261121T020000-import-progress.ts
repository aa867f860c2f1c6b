import type { Kysely } from 'kysely'
import { columnTypes } from '../dialect/column-types.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const type = columnTypes(db)
  await db.schema
    .createTable('import_progress')
    // Always 1: only one import runs at a time.
    .addColumn('id', 'integer', (c) => c.notNull().primaryKey())
    .addColumn('export_id', type.uuid, (c) => c.notNull())
    .addColumn('lines', type.bigint, (c) => c.notNull())
    .addColumn('started_at', type.timestamp, (c) => c.notNull())
    .execute()
}
