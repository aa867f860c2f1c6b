import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('schema_requirements')
    .addColumn('migration', 'text', (c) => c.notNull().primaryKey())
    // The oldest migration that a server must know to work with this one.
    .addColumn('serves_from', 'text', (c) => c.notNull())
    .execute()
}
