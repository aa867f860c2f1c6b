import { type Database, openDatabase } from '@sotto/db'
import type { Config } from './config.ts'

/**
 * Brings the schema up to date, over a connection that migrations can use: not through a transaction pooler.
 *
 * @throws {DatabaseOpenError}
 */
export async function migrateDatabase(config: Config): Promise<{ location: string; applied: string[] }> {
  await using database = await openDatabase({
    url: config.databaseDirectUrl ?? config.databaseUrl,
    poolSize: 1,
  })
  return { location: database.location, ...(await database.migrate()) }
}

/**
 * Sees to it that an open database has the schema that this code is written for: brings it up to date, or where
 * the settings leave that to `sotto migrate`, looks whether it is.
 *
 * @returns the migrations that were applied.
 * @throws {DatabaseOpenError}
 */
export async function prepareSchema(config: Config, database: Database): Promise<string[]> {
  if (!config.migrates) {
    await database.requireCurrent()
    return []
  }
  const { applied } =
    config.databaseDirectUrl === undefined ? await database.migrate() : await migrateDatabase(config)
  return applied
}
