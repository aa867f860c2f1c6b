import type { Kysely } from 'kysely'

/**
 * What a migration's file exports. Servers of the release before go on with the schema that it leaves, unless it
 * says what they must know.
 */
export interface SchemaMigration {
  up(db: Kysely<unknown>): Promise<void>
  /**
   * For one that takes away what older servers use: the oldest migration that a server must know to work with this
   * one. Servers that do not are not ready from then on, and do not start.
   */
  readonly servesFrom?: string
  /**
   * False for what PostgreSQL does outside of transactions alone, as `create index concurrently`. It may be cut short
   * anywhere and is begun anew then, so it must bear both. On SQLite it has its transaction nonetheless.
   */
  readonly inTransaction?: boolean
}
