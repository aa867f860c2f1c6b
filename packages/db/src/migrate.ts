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
  /** What was brought up to date, in order. */
  applied: string[]
  /** Migrations of a newer server that this one works with. */
  newer: string[]
}

/** Names the schema that this code is written for: its last migration. */
export function schemaName(): string {
  return Object.keys(migrations).at(-1) ?? ''
}

/** The same as an identifier. */
export function schemaVersion(): string {
  return schemaName().toLowerCase().replaceAll(/\W/g, '_')
}

/**
 * Brings the schema up to date, one migration after the other, alone among all servers that try. A database that a
 * newer server has migrated is left alone, as long as this code works with it.
 *
 * @throws {DatabaseOpenError}
 */
export async function migrate(db: Executor): Promise<Migrated> {
  const newer = requireServed(await stateOf(db))
  const run = (on: Executor) => applyMissing(on)
  const applied = await (isPostgres(db)
    ? withoutTimeouts(db, (connection) => alone(connection, () => run(connection)))
    : run(db))
  return { applied, newer }
}

/**
 * Changes nothing.
 *
 * @returns the migrations of a newer server that this code works with.
 * @throws {DatabaseOpenError} where it does not work with the schema.
 */
export async function requireSchema(db: Executor): Promise<string[]> {
  const state = await stateOf(db)
  const newer = requireServed(state)
  if (state.missing.length > 0) {
    throw new DatabaseOpenError(
      `the database is older than this server (it lacks migration ${state.missing[0]}); run sotto migrate first`,
    )
  }
  return newer
}

/**
 * What the schema lacks, in order.
 *
 * @throws {DatabaseOpenError} for one that is newer than this code works with.
 */
export async function pendingMigrations(db: Executor): Promise<string[]> {
  const state = await stateOf(db)
  requireServed(state)
  return state.missing
}

/** This code works with the schema as it is, and no import goes on. Throws when the database does not answer. */
export async function isReady(db: Executor): Promise<boolean> {
  const { missing, requirement } = await stateAfter(db, await appliedNames(db))
  return missing.length === 0 && !requirement && !(await findImport(db))
}

interface SchemaState {
  /** Migrations that this code has and the database has not. */
  missing: string[]
  /** The other way round. */
  newer: string[]
  /** The first of the newer ones that this code does not work with. */
  requirement: { migration: string; serves_from: string } | undefined
}

const REQUIREMENTS = '20261121T030000-schema-requirements'

async function stateOf(db: Executor): Promise<SchemaState> {
  const tables = await db.introspection.getTables()
  const isEmpty = !tables.some((table) => table.name === 'migrations')
  return stateAfter(db, isEmpty ? [] : await appliedNames(db))
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

function requireServed({ missing, newer, requirement }: SchemaState): string[] {
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

/** The number is the lock's name and nothing else. */
const MIGRATION_LOCK = 7_305_884_912
const MIGRATION_LOCK_PAUSE_MS = 200

/**
 * One server at a time. Kysely has a lock for that, but a statement that waits for it holds a snapshot, for which
 * `create index concurrently` waits in turn: so whoever has to wait asks again instead.
 */
async function alone<T>(connection: Executor, work: () => Promise<T>): Promise<T> {
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
        ? `its tables were in use for too long, and nothing was changed; try again when long transactions are over (${firstLine(error)})`
        : firstLine(error)
      const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? name
      throw new DatabaseOpenError(`migration ${failed} failed: ${reason}`, { cause: error })
    }
    // Without a result another process was faster, which only a SQLite file's lock between each two allows.
    applied.push(...(results ?? []).map((result) => result.migrationName))
  }
  return applied
}

/**
 * How long a migration waits for a table. Whoever comes after it waits behind it, so this is how long a migration
 * can make everybody wait who uses the table.
 */
const LOCK_TIMEOUT = '2s'
/** With the pauses, some two and a half minutes: longer than any transaction of ours. */
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
  // Outside of a transaction nothing is locked that anybody else would wait for.
  if (isPostgres(db) && db.isTransaction)
    await sql.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`).execute(db)
  await migration.up(db)
  if (migration.servesFrom === undefined) return
  await sql`insert into schema_requirements (migration, serves_from) values (${name}, ${migration.servesFrom})`.execute(
    db,
  )
}
