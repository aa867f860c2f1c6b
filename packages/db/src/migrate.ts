import { setTimeout } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { type Migration, type MigrationResultSet, Migrator } from 'kysely/migration'
import { isPostgres } from './dialect/column-types.ts'
import { withoutTimeouts } from './dialect/postgres.ts'
import { DatabaseOpenError, firstLine, isLockTimeout, isUnavailable } from './errors.ts'
import { migrations } from './migrations/index.ts'
import type { SchemaMigration } from './migrations/migration.ts'
import type { Executor } from './statement.ts'
import { findImport } from './transfer/progress.ts'

export interface Migrated {
  /** The migrations that were applied, in order. */
  applied: string[]
  /** Migrations of a newer server that this code can work with. */
  newer: string[]
}

/** The name of the schema this code is written for: its last migration. */
export function schemaName(): string {
  return Object.keys(migrations).at(-1) ?? ''
}

/** The schema name as an identifier. */
export function schemaVersion(): string {
  return schemaName().toLowerCase().replaceAll(/\W/g, '_')
}

/**
 * Applies the missing migrations in order. Only one server migrates at a time. A database that a newer server has
 * migrated is left unchanged, as long as this code can work with it.
 *
 * @throws {DatabaseOpenError} if this code cannot work with the schema, or if a migration fails.
 */
export async function migrate(db: Executor): Promise<Migrated> {
  const newer = requireSupported(await stateOf(db))
  const applied = await (isPostgres(db)
    ? withoutTimeouts(db, (connection) => exclusively(connection, () => applyMissing(connection)))
    : applyMissing(db))
  return { applied, newer }
}

/**
 * Checks, without changing anything, that this code can work with the schema.
 *
 * @returns the migrations of a newer server that this code can work with.
 * @throws {DatabaseOpenError} if this code cannot work with the schema.
 */
export async function requireSchema(db: Executor): Promise<string[]> {
  const state = await stateOf(db)
  const newer = requireSupported(state)
  if (state.missing.length > 0) {
    throw new DatabaseOpenError(
      `the database is older than this server (it lacks migration ${state.missing[0]}); run sotto migrate first`,
    )
  }
  return newer
}

/**
 * The migrations that the schema lacks, in order.
 *
 * @throws {DatabaseOpenError} if the schema is too new for this code.
 */
export async function pendingMigrations(db: Executor): Promise<string[]> {
  const state = await stateOf(db)
  requireSupported(state)
  return state.missing
}

/**
 * Whether this code can work with the schema and no import is in progress. Rejects if the database does not respond.
 */
export async function isReady(db: Executor): Promise<boolean> {
  const { missing, requirement } = await stateAfter(db, await appliedNames(db))
  return missing.length === 0 && !requirement && !(await findImport(db))
}

interface SchemaState {
  /** Migrations that this code has and the database lacks. */
  missing: string[]
  /** Migrations that the database has and this code lacks. */
  newer: string[]
  /** The first of the newer migrations that this code cannot work with. */
  requirement: { migration: string; serves_from: string } | undefined
}

const REQUIREMENTS = '20261121T030000-schema-requirements'

async function stateOf(db: Executor): Promise<SchemaState> {
  return stateAfter(db, (await isEmpty(db)) ? [] : await appliedNames(db))
}

async function isEmpty(db: Executor): Promise<boolean> {
  const { rows } = await (isPostgres(db)
    ? sql`select 1 where to_regclass('migrations') is not null`
    : sql`select 1 from sqlite_master where type = 'table' and name = 'migrations'`
  ).execute(db)
  return rows.length === 0
}

async function appliedNames(db: Executor): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from migrations order by name`.execute(db)
  return rows.map((row) => row.name)
}

async function stateAfter(db: Executor, applied: readonly string[]): Promise<SchemaState> {
  const requirements = applied.includes(REQUIREMENTS)
    ? await db
        .selectFrom('schema_requirements')
        .select(['migration', 'serves_from'])
        .orderBy('migration')
        .execute()
    : []
  return {
    missing: Object.keys(migrations).filter((name) => !applied.includes(name)),
    newer: applied.filter((name) => !Object.hasOwn(migrations, name)),
    requirement: requirements.find(({ serves_from: name }) => !Object.hasOwn(migrations, name)),
  }
}

function requireSupported({ missing, newer, requirement }: SchemaState): string[] {
  if (requirement) {
    const { migration, serves_from: oldest } = requirement
    throw new DatabaseOpenError(
      `the database is newer than this server can work with (migration ${migration} needs servers that know ${oldest}); update the server`,
    )
  }
  if (newer.length > 0 && missing.length > 0) {
    throw new DatabaseOpenError(
      `the database was migrated by another version (it has migration ${newer[0]} and lacks ${missing[0]}); use that version`,
    )
  }
  return newer
}

/** An arbitrary number that identifies the lock. */
const MIGRATION_LOCK = 7_305_884_912
const MIGRATION_LOCK_PAUSE_MS = 200

/**
 * Lets one server migrate at a time. Kysely's own lock would not do: a statement waiting for it holds a snapshot, and
 * `create index concurrently` waits for snapshots. So this retries without waiting inside a statement.
 */
async function exclusively<T>(connection: Executor, work: () => Promise<T>): Promise<T> {
  const tryLock = sql<{ locked: boolean }>`select pg_try_advisory_lock(${sql.lit(MIGRATION_LOCK)}) as locked`
  while (!(await tryLock.execute(connection)).rows[0]?.locked) await setTimeout(MIGRATION_LOCK_PAUSE_MS)
  try {
    return await work()
  } finally {
    await sql`select pg_advisory_unlock(${sql.lit(MIGRATION_LOCK)})`.execute(connection)
  }
}

async function applyMissing(db: Executor): Promise<string[]> {
  const applied: string[] = []
  const { missing } = await stateOf(db)
  for (const name of missing) {
    const { error, results } = await applyNext(db, migrations[name]?.inTransaction ?? true)
    if (error) {
      if (isUnavailable(error) && !isLockTimeout(error)) throw error
      const reason = isLockTimeout(error)
        ? `its tables were in use for too long, and nothing was changed; try again when no long transactions are running (${firstLine(error)})`
        : firstLine(error)
      const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? name
      throw new DatabaseOpenError(`migration ${failed} failed: ${reason}`, { cause: error })
    }
    // Without a result, another process applied it first. Only possible on SQLite, where the lock is per migration.
    applied.push(...(results ?? []).map((result) => result.migrationName))
  }
  return applied
}

/**
 * How long a migration waits for a table lock. Other queries on the table queue behind it, so this also limits how long
 * a migration can delay them.
 */
const LOCK_TIMEOUT = '2s'
/** With the pauses, about two and a half minutes: longer than any of our transactions. */
const LOCK_ATTEMPTS = 30
const LOCK_PAUSE_MS = 3_000

async function applyNext(db: Executor, inTransaction: boolean): Promise<MigrationResultSet> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => kyselyMigrations() },
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  })
  for (let attempt = 1; ; attempt++) {
    const result = await migrator.migrateUp({ disableTransactions: isPostgres(db) && !inTransaction })
    if (!isLockTimeout(result.error) || attempt === LOCK_ATTEMPTS) return result
    await setTimeout(LOCK_PAUSE_MS)
  }
}

function kyselyMigrations(): Record<string, Migration> {
  return Object.fromEntries(
    Object.entries(migrations).map(([name, migration]) => [name, { up: (db) => apply(db, name, migration) }]),
  )
}

async function apply(db: Kysely<unknown>, name: string, migration: SchemaMigration): Promise<void> {
  // A migration outside a transaction takes no locks that others would wait for.
  if (isPostgres(db) && db.isTransaction)
    await sql.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`).execute(db)
  await migration.up(db)
  if (migration.servesFrom === undefined) return
  await sql`insert into schema_requirements (migration, serves_from) values (${name}, ${migration.servesFrom})`.execute(
    db,
  )
}
