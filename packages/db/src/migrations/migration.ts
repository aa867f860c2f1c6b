import type { Kysely } from 'kysely'

/**
 * The exports of a migration file. Servers of the previous release keep running on the new schema unless `servesFrom`
 * excludes them.
 */
export interface SchemaMigration {
  up(db: Kysely<unknown>): Promise<void>
  /**
   * Required when a migration removes something that older servers use: the oldest migration that a server must know to
   * work with this one. Servers that do not know it report that they are not ready, and do not start.
   */
  readonly servesFrom?: string
  /**
   * False for statements that PostgreSQL only runs outside a transaction, such as `create index concurrently`. Such a
   * migration may be interrupted anywhere and is then rerun from the start, so it must tolerate both. On SQLite it
   * always runs in a transaction.
   */
  readonly inTransaction?: boolean
}
