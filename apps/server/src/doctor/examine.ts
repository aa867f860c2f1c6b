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

/** Looks at everything that a server with these settings needs. Changes nothing, also beside a running one. */
export async function* examine(readSettings: () => Config, now: () => Date): AsyncGenerator<Finding> {
  let config: Config
  try {
    config = readSettings()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    yield failed('settings', error.message, 'set it to what it takes; docs/settings.md lists the settings')
    return
  }
  yield ok('settings', `listens at ${config.host}, port ${config.port}`)
  yield examineSecret(config)
  yield* examineSqliteFile(config.databaseUrl)
  yield* examineDatabase(config, now)
  yield* examineRedis(config.redisUrl)
}

function examineSecret({ secret, databaseUrl }: Config): Finding {
  const check = 'secret'
  if (secret !== undefined) return ok(check, 'SOTTO_SECRET is set: second factors and webhooks can be had')
  if (parseDatabaseUrl(databaseUrl).kind === 'sqlite') return ok(check, 'is kept beside the database file')
  return warning(check, 'SOTTO_SECRET is not set', 'set it, or there are neither second factors nor webhooks')
}

async function* examineDatabase(config: Config, now: () => Date): AsyncGenerator<Finding> {
  if (!databaseExists(config.databaseUrl)) {
    yield warning('database', 'is not there yet', 'sotto start makes it; otherwise see DATABASE_URL')
    return
  }
  let database: Database
  try {
    // As the server opens it, through a pooler where there is one.
    database = await openDatabase({
      url: config.databaseUrl,
      poolSize: 1,
      preparedStatements: config.preparedStatements,
      pooled: config.databaseDirectUrl !== undefined,
    })
  } catch (error) {
    if (!(error instanceof DatabaseOpenError)) throw error
    yield failed('database', error.message, 'see that it runs, and what DATABASE_URL says')
    return
  }
  await using opened = database
  yield ok('database', `answers: ${opened.location}`)
  yield* examineSqlite(config.databaseUrl, opened.db)
  yield* examinePostgres(config, opened.db, now)
  yield* examineListening(config)
  yield* examineReplica(config, opened.db)
  const migrations = await examineMigrations(config, opened)
  yield migrations
  // What follows reads tables.
  if (migrations.status !== 'ok') return
  yield await examineImport(opened)
  yield await examineWriting(opened)
  yield* examineWebhooks(opened.db, now)
}

async function examineMigrations({ migrates }: Config, database: Database): Promise<Finding> {
  const check = 'migrations'
  try {
    const pending = await database.pendingMigrations()
    if (pending.length === 0) return ok(check, 'the schema is current')
    const detail = `the schema lacks ${pending.join(', ')}`
    return migrates
      ? warning(check, detail, 'sotto start brings it up to date')
      : failed(check, detail, 'run sotto migrate')
  } catch (error) {
    if (!(error instanceof DatabaseOpenError)) throw error
    return failed(check, error.message, 'run the version of Sotto that brought it there, or a later one')
  }
}

async function examineImport({ db }: Database): Promise<Finding> {
  const begun = await findImport(db)
  if (!begun) return ok('import', 'none is under way')
  return failed(
    'import',
    `${begun.lines} lines of the export ${begun.exportId} are in the database, and no more`,
    'run sotto import with the same file again, or begin with an empty database',
  )
}

async function examineWriting({ db }: Database): Promise<Finding> {
  try {
    await tryToWrite(db)
    return ok('writing', 'works')
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return failed(
      'writing',
      message,
      'give the user of DATABASE_URL the right to write; a replica takes no writes',
    )
  }
}
