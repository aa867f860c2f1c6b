import { type Database, openDatabase } from '@sotto/db'
import { type Config, readConfig } from '../config.ts'
import type { App } from '../context.ts'
import { createApp } from '../create-app.ts'
import { createIds } from '../ids.ts'
import { createLogger } from '../log.ts'
import { noMetrics } from '../metrics/metrics.ts'
import { noNeighbours } from '../realtime/neighbours.ts'
import { prepareSchema } from '../schema.ts'

/** What commands other than `start` work on: the server's use cases without a server. */
export interface OpenApp extends AsyncDisposable {
  readonly app: App
}

/**
 * Opens the database of the settings, also beside a running server, with its schema up to date.
 *
 * @throws {ConfigError}
 * @throws {DatabaseOpenError}
 */
export async function openApp(config: Config = readConfig()): Promise<OpenApp> {
  const log = createLogger('silent')
  const now = () => new Date()
  const { database } = await openMigrated(config)
  const { app, closeApp } = createApp({
    config,
    database,
    log,
    now,
    newId: createIds(now),
    connect: noNeighbours,
    metrics: noMetrics,
  })
  return {
    app,
    async [Symbol.asyncDispose]() {
      await closeApp()
      await database[Symbol.asyncDispose]()
    },
  }
}

async function openMigrated(config: Config): Promise<{ database: Database }> {
  const database = await openDatabase({
    url: config.databaseUrl,
    // One command does one thing at a time.
    poolSize: 1,
    preparedStatements: config.preparedStatements,
  })
  try {
    await prepareSchema(config, database)
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
  return { database }
}
