import { type Database, type Migrated, missingTimeouts, openDatabase, setRoleDefaults } from '@sotto/db'
import type { Logger } from 'pino'
import type { Config } from '../settings/config.ts'

/**
 * Migrates the schema. With a transaction pooler, migrates over the direct connection, and makes the session settings
 * that servers need the defaults of their database role, if permitted.
 *
 * @throws {DatabaseOpenError}
 */
export async function migrateDatabase(config: Config): Promise<Migrated & { location: string }> {
  await using database = await openDatabase({
    url: config.databaseDirectUrl ?? config.databaseUrl,
    poolSize: 1,
  })
  const migrated = await database.migrate()
  if (config.databaseDirectUrl !== undefined) {
    const role = decodeURIComponent(new URL(config.databaseUrl).username)
    if (role !== '') await setRoleDefaults(database.db, role)
  }
  return { location: database.location, ...migrated }
}

/**
 * Ensures that the schema of an open database works with this version: migrates it, or only checks it if SOTTO_MIGRATE
 * is off.
 *
 * @throws {DatabaseOpenError}
 */
export async function prepareSchema(config: Config, database: Database): Promise<Migrated> {
  if (!config.migrates) return { applied: [], newer: await database.requireSchema() }
  return config.databaseDirectUrl === undefined ? database.migrate() : migrateDatabase(config)
}

/** Warns if a pooler's sessions lack the timeouts that servers need, which can only be defaults of the role. */
export async function checkPooler(config: Config, { db }: Database, log: Logger): Promise<void> {
  if (config.databaseDirectUrl === undefined) return
  const missing = await missingTimeouts(db)
  if (missing.length === 0) return
  log.warn(
    { missing },
    'connections of the pooler have no timeouts: run sotto migrate to set them for the role, then reconnect the pooler',
  )
}
