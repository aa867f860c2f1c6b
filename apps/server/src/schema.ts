import { type Database, type Migrated, openDatabase } from '@sotto/db'
import type { Config } from './config.ts'

/**
 * Brings the schema up to date, over a connection that migrations can use: not through a transaction pooler.
 *
 * @throws {DatabaseOpenError}
 */
export async function migrateDatabase(config: Config): Promise<Migrated & { location: string }> {
  await using database = await openDatabase({
    url: config.databaseDirectUrl ?? config.databaseUrl,
    poolSize: 1,
  })
  return { location: database.location, ...(await database.migrate()) }
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
