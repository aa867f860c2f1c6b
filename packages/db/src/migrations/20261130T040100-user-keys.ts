import { type Kysely, sql } from 'kysely'
import { createIndexConcurrently } from '../dialect/concurrent-index.ts'

export const inTransaction = false

export async function up(db: Kysely<unknown>): Promise<void> {
  // Without erased users: a server of the previous release erases users without freeing their external id.
  await createIndexConcurrently(db, 'users_external_id', {
    on: 'users',
    columns: ['external_id'],
    isUnique: true,
    where: sql`erased_at is null`,
  })
}
