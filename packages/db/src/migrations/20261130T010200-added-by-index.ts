import { type Kysely, sql } from 'kysely'
import { createIndexConcurrently } from '../dialect/concurrent-index.ts'

export const inTransaction = false

/** For the number of groups that a user was added to by another. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createIndexConcurrently(db, 'participants_added_by', {
    on: 'participants',
    columns: ['user_id', 'added_by'],
    where: sql`left_at is null and active_at is null`,
  })
}
