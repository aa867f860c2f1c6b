import { type Database, databaseExists, openDatabase, parseDatabaseUrl, requireWhole } from '@sotto/db'
import type { App } from '../app/app.ts'
import { createApp } from '../app/create-app.ts'
import { DatabaseClock } from '../app/database-clock.ts'
import { prepareSchema } from '../app/prepare-schema.ts'
import { createIds } from '../lib/ids.ts'
import { createLogger } from '../lib/log.ts'
import { noMetrics } from '../metrics/metrics.ts'
import { standalone } from '../realtime/cluster.ts'
import type { Config } from '../settings/config.ts'
import { noTracing } from '../telemetry/tracing.ts'
import { CommandError } from './command-error.ts'

/** The app without a running server, for all commands except `start`. */
export interface OpenApp extends AsyncDisposable {
  readonly app: App
}

interface OpenOptions {
  /** Locks a SQLite file for this process. */
  exclusive?: boolean
  /** Rejects a newer schema: this version would not export or import its additional columns. */
  rejectNewer?: boolean
}

/**
 * Opens the configured database and migrates it. Safe while a server is running.
 *
 * @throws {ConfigError}
 * @throws {DatabaseOpenError}
 */
export async function openApp(config: Config, options: OpenOptions = {}): Promise<OpenApp> {
  const { database } = await openMigrated(config, options)
  try {
    await requireWhole(database.db)
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
  return appOn(database, config)
}

/** Like `openApp`, over a direct connection that bypasses the pooler, for commands that read all data. */
export function openAppDirectly(settings: Config): Promise<OpenApp> {
  const config = withDirectUrl(settings)
  requireDatabase(config)
  return openApp(config, { rejectNewer: true })
}

/**
 * For commands that read data: without this check, opening a missing SQLite file would create an empty one.
 *
 * @throws {CommandError}
 */
export function requireDatabase({ databaseUrl }: Config): void {
  if (databaseExists(databaseUrl)) return
  throw new CommandError(`no database at ${parseDatabaseUrl(databaseUrl).location}: check DATABASE_URL`)
}

/** Like `openAppDirectly`, but also opens a missing database or an unfinished import. Locks a SQLite file. */
export async function openAppForImport(settings: Config): Promise<OpenApp> {
  const config = withDirectUrl(settings)
  const { database } = await openMigrated(config, { exclusive: true, rejectNewer: true })
  return appOn(database, config)
}

function withDirectUrl(config: Config): Config {
  return {
    ...config,
    databaseUrl: config.databaseDirectUrl ?? config.databaseUrl,
    databaseDirectUrl: undefined,
  }
}

async function appOn(database: Database, config: Config): Promise<OpenApp> {
  const log = createLogger('silent')
  const clock = new DatabaseClock({ log })
  await clock.measure(database.db)
  const { now } = clock
  const { app, closeApp } = createApp({
    config,
    database,
    replica: undefined,
    log,
    now,
    newId: createIds(now),
    connect: standalone,
    metrics: noMetrics,
    tracing: noTracing,
  })
  return {
    app,
    async [Symbol.asyncDispose]() {
      await closeApp()
      await database[Symbol.asyncDispose]()
    },
  }
}

async function openMigrated(
  config: Config,
  { exclusive = false, rejectNewer = false }: OpenOptions,
): Promise<{ database: Database }> {
  const database = await openDatabase({
    url: config.databaseUrl,
    // A command runs one statement at a time.
    poolSize: 1,
    preparedStatements: config.preparedStatements,
    pooled: config.databaseDirectUrl !== undefined,
    exclusive,
  })
  try {
    const { newer } = await prepareSchema(config, database)
    if (rejectNewer && newer.length > 0) {
      throw new CommandError(
        `the database was migrated by a newer version (it has migration ${newer[0]}): use that version`,
      )
    }
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
  return { database }
}
