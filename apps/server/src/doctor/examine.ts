import {
  type Database,
  DatabaseOpenError,
  databaseExists,
  findImport,
  openDatabase,
  parseDatabaseUrl,
  tryToWrite,
} from '@sotto/db'
import type { Config } from '../settings/config.ts'
import { ConfigError } from '../settings/config-error.ts'
import { type Finding, failed, ok, warning } from './finding.ts'
import { examineListening, examinePostgres } from './postgres.ts'
import { examineRedis } from './redis.ts'
import { examineReplica } from './replica.ts'
import { examineSqlite, examineSqliteFile } from './sqlite.ts'
import { examineWebhooks } from './webhooks.ts'

/** Checks everything that a server with these settings needs. Read-only, and safe while a server is running. */
export async function* examine(readSettings: () => Config, now: () => Date): AsyncGenerator<Finding> {
  let config: Config
  try {
    config = readSettings()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    yield failed('settings', error.message, 'correct the setting; docs/settings.md describes all settings')
    return
  }
  yield ok('settings', `valid; listens on ${config.host}, port ${config.port}`)
  yield examineSecret(config)
  yield* examineSqliteFile(config.databaseUrl)
  yield* examineDatabase(config, now)
  yield* examineRedis(config.redisUrl)
}

function examineSecret({ secret, databaseUrl }: Config): Finding {
  const check = 'secret'
  if (secret !== undefined) return ok(check, 'SOTTO_SECRET is set')
  if (parseDatabaseUrl(databaseUrl).kind === 'sqlite') return ok(check, 'stored next to the database file')
  return warning(check, 'SOTTO_SECRET is not set', 'set it to enable two-factor authentication and webhooks')
}

async function* examineDatabase(config: Config, now: () => Date): AsyncGenerator<Finding> {
  if (!databaseExists(config.databaseUrl)) {
    yield warning('database', 'does not exist yet', 'sotto start creates it; otherwise check DATABASE_URL')
    return
  }
  let database: Database
  try {
    // Opened like the server does, possibly through a pooler.
    database = await openDatabase({
      url: config.databaseUrl,
      poolSize: 1,
      preparedStatements: config.preparedStatements,
      pooled: config.databaseDirectUrl !== undefined,
    })
  } catch (error) {
    if (!(error instanceof DatabaseOpenError)) throw error
    yield failed(
      'database',
      error.message,
      'check that the database is running and that DATABASE_URL is correct',
    )
    return
  }
  await using opened = database
  yield ok('database', `reachable: ${opened.location}`)
  yield* examineSqlite(config.databaseUrl, opened.db)
  yield* examinePostgres(config, opened.db, now)
  yield* examineListening(config)
  yield* examineReplica(config, opened.db)
  const migrations = await examineMigrations(config, opened)
  yield migrations
  // The following checks need the tables.
  if (migrations.status !== 'ok') return
  yield await examineImport(opened)
  yield await examineWriting(opened)
  yield* examineWebhooks(opened.db, now)
}

async function examineMigrations({ migrates }: Config, database: Database): Promise<Finding> {
  const check = 'migrations'
  try {
    const pending = await database.pendingMigrations()
    if (pending.length === 0) return ok(check, 'the schema is up to date')
    const detail = `pending: ${pending.join(', ')}`
    return migrates
      ? warning(check, detail, 'sotto start applies them')
      : failed(check, detail, 'run sotto migrate')
  } catch (error) {
    if (!(error instanceof DatabaseOpenError)) throw error
    return failed(check, error.message, 'run the version of Sotto that migrated the database, or a later one')
  }
}

async function examineImport({ db }: Database): Promise<Finding> {
  const unfinished = await findImport(db)
  if (!unfinished) return ok('import', 'no unfinished import')
  return failed(
    'import',
    `unfinished: only ${unfinished.lines} lines of the export ${unfinished.exportId} are in the database`,
    'run sotto import with the same file again, or start with an empty database',
  )
}

async function examineWriting({ db }: Database): Promise<Finding> {
  try {
    await tryToWrite(db)
    return ok('writing', 'the database accepts writes')
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return failed(
      'writing',
      message,
      'grant write access to the user of DATABASE_URL; a replica does not accept writes',
    )
  }
}
