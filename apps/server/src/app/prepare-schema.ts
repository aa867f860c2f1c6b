import { type Database, type Migrated, missingTimeouts, openDatabase, setRoleDefaults } from '@sotto/db'
import type { Logger } from 'pino'
import type { Config } from '../settings/config.ts'

/**
 * Brings the schema up to date, over a connection that migrations can use: not through a transaction pooler. Where
 * there is one, the role that the servers come with is given their settings, if that may be.
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
 * Sees to it that an open database has a schema that this code works with: brings it up to date, or where the
 * settings leave that to `sotto migrate`, looks whether it is.
 *
 * @throws {DatabaseOpenError}
 */
export async function prepareSchema(config: Config, database: Database): Promise<Migrated> {
  if (!config.migrates) return { applied: [], newer: await database.requireSchema() }
  return config.databaseDirectUrl === undefined ? database.migrate() : migrateDatabase(config)
}

/** Says it when a pooler's sessions have not the timeouts that a server needs, which only the role can give them. */
export async function checkPooler(config: Config, { db }: Database, log: Logger): Promise<void> {
  if (config.databaseDirectUrl === undefined) return
  const missing = await missingTimeouts(db)
  if (missing.length === 0) return
  log.warn(
    { missing },
    'connections of the pooler have no timeouts: run sotto migrate to set them for the role, then reconnect the pooler',
  )
}
