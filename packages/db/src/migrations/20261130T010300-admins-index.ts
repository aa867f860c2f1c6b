import { type Kysely, sql } from 'kysely'
import { createIndexConcurrently } from '../dialect/concurrent-index.ts'

export const inTransaction = false

/** For locking all admins. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createIndexConcurrently(db, 'users_admins', {
    on: 'users',
    columns: ['role', 'id'],
    where: sql`role = 'admin'`,
  })
}
