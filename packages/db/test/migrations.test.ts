import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createEmptyDatabase, dialects, type EmptyDatabase } from '@sotto/testing/internal/databases'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createIndexConcurrently } from '../src/dialect/concurrent-index.ts'
import { type Database, DatabaseOpenError, openDatabase } from '../src/index.ts'
import { migrations } from '../src/migrations/index.ts'
import type { SchemaMigration } from '../src/migrations/migration.ts'

const ALL = Object.keys(migrations)

const NEXT = '29991231T000000-of-a-test'

/** Adds a migration after all others, so that this code acts as the next release. */
function release(up: SchemaMigration['up'], rest: Omit<SchemaMigration, 'up'> = {}): string {
  migrations[NEXT] = { up, ...rest }
  onTestFinished(unrelease)
  return NEXT
}

/** Removes that migration, so that this code acts as the previous release. */
function unrelease(): void {
  delete migrations[NEXT]
}

async function tableNames(database: Database): Promise<string[]> {
  const tables = await database.db.introspection.getTables()
  return tables.map((table) => table.name).sort()
}

describe.each(dialects)('migrations on %s', (using) => {
  let empty: EmptyDatabase
  let database: Database

  beforeEach(async () => {
    empty = await createEmptyDatabase(using)
    database = await openDatabase({ url: empty.url })
  })
  afterEach(async () => {
    await database[Symbol.asyncDispose]()
    await empty[Symbol.asyncDispose]()
  })

  test('bring an empty database up to date, and leave an up-to-date one unchanged', async () => {
    expect(await database.migrate()).toEqual({ applied: ALL, newer: [] })
    expect(await database.isReady()).toBe(true)
    expect(await database.migrate()).toEqual({ applied: [], newer: [] })
  })

  test('are applied once by servers that start at the same time', async () => {
    const others = await Promise.all([1, 2, 3].map(() => openDatabase({ url: empty.url })))
    try {
      const results = await Promise.all([database, ...others].map((server) => server.migrate()))

      expect(results.flatMap((result) => result.applied).sort()).toEqual(ALL)
      expect(await database.isReady()).toBe(true)
    } finally {
      await Promise.all(others.map((other) => other[Symbol.asyncDispose]()))
    }
  })

  test('are applied once by processes that open an empty database at the same time', async () => {
    const script = fileURLToPath(import.meta.resolve('./support/migrate.ts'))
    const runs = await Promise.all(
      [1, 2, 3].map(() => promisify(execFile)(process.execPath, [script, empty.url])),
    )

    expect(runs.flatMap((run) => JSON.parse(run.stdout)).sort()).toEqual(ALL)
  })

  test('name the one that failed, roll it back, and keep those before it', async () => {
    const name = release(async (db) => {
      await db.schema.createTable('half').addColumn('id', 'integer').execute()
      await sql`insert into nowhere values (1)`.execute(db)
    })

    const failure = await database.migrate().catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(DatabaseOpenError)
    expect(String(failure)).toContain(`migration ${name} failed: `)
    expect(String(failure)).not.toContain('\n')
    expect(await tableNames(database)).toContain('messages')
    expect(await tableNames(database)).not.toContain('half')
    expect(await database.isReady()).toBe(false)
  })

  test('leave the schema unchanged if they fail', async () => {
    await database.migrate()
    const before = await tableNames(database)
    release(async (db) => {
      await db.schema.createTable('half').addColumn('id', 'integer').execute()
      await db.schema.alterTable('users').addColumn('half', 'integer').execute()
      throw new Error('on purpose')
    })

    await expect(database.migrate()).rejects.toThrow(DatabaseOpenError)

    expect(await tableNames(database)).toEqual(before)
    await expect(sql`select half from users`.execute(database.db)).rejects.toThrow(/half/)
  })

  test('continue once a failed one has been fixed', async () => {
    release(() => Promise.reject(new Error('not today')))
    await expect(database.migrate()).rejects.toThrow('not today')
    const name = release((db) => db.schema.createTable('whole').addColumn('id', 'integer').execute())

    expect((await database.migrate()).applied).toEqual([name])
  })

  test('of the next release do not stop this server from working', async () => {
    const name = release((db) => db.schema.alterTable('users').addColumn('pronouns', 'text').execute())
    await database.migrate()
    unrelease()

    expect(await database.isReady()).toBe(true)
    expect(await database.requireSchema()).toEqual([name])
    expect(await database.migrate()).toEqual({ applied: [], newer: [name] })
  })

  test('that remove what this server uses make it not ready and unable to start', async () => {
    const name = release((db) => db.schema.dropTable('audit').execute(), { servesFrom: NEXT })
    await database.migrate()
    expect(await database.isReady()).toBe(true)
    unrelease()

    expect(await database.isReady()).toBe(false)
    for (const open of [() => database.migrate(), () => database.requireSchema()]) {
      const failure = await open().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(DatabaseOpenError)
      expect(String(failure)).toMatch(/newer than this server.*29991231T000000-of-a-test.*update the server$/)
      expect(String(failure)).toContain(name)
    }
  })

  test('that remove what only older servers used do not affect this server', async () => {
    const last = ALL.at(-1) ?? ''
    release((db) => db.schema.alterTable('users').dropColumn('avatar_url').execute(), { servesFrom: last })
    await database.migrate()
    unrelease()

    expect(await database.isReady()).toBe(true)
    expect(await database.requireSchema()).toEqual([NEXT])
  })

  test('of a different version are rejected', async () => {
    await database.migrate()
    await sql`insert into migrations values ('99991231T000000-theirs', '2026-01-01')`.execute(database.db)
    const ours = release(async () => {})

    await expect(database.migrate()).rejects.toThrow(
      new RegExp(`another version \\(it has migration 99991231T000000-theirs and lacks ${ours}\\)`),
    )
    expect(await database.isReady()).toBe(false)
  })

  test('outside a transaction can be rerun after an interruption', async () => {
    await database.migrate()
    const index = { on: 'messages', columns: ['conversation_id', 'created_at'] }
    let interrupt = true
    release(
      async (db) => {
        await createIndexConcurrently(db, 'messages_of_a_test', index)
        if (interrupt) throw new Error('interrupted')
      },
      { inTransaction: false },
    )
    await expect(database.migrate()).rejects.toThrow('interrupted')
    interrupt = false

    expect((await database.migrate()).applied).toEqual([NEXT])
  })
})

test('migrations on postgres run without timeouts, which apply again afterwards', async () => {
  await using empty = await createEmptyDatabase('postgres')
  // A single connection, so that the check afterwards uses the same session.
  await using database = await openDatabase({ url: empty.url, poolSize: 1 })
  const timeouts = sql<Record<string, string>>`
    select current_setting('statement_timeout') as statement, current_setting('transaction_timeout', true) as transaction`
  const before = await timeouts.execute(database.db)
  let during: unknown
  release(async (db) => {
    during = (await timeouts.execute(db)).rows
  })

  await database.migrate()

  expect(during).toEqual([{ statement: '0', transaction: before.rows[0]?.transaction && '0' }])
  expect((await timeouts.execute(database.db)).rows).toEqual(before.rows)
  expect(before.rows[0]?.statement).toBe('10s')
})

describe('migrations on a postgres in use', () => {
  let empty: EmptyDatabase
  let database: Database

  beforeEach(async () => {
    empty = await createEmptyDatabase('postgres')
    database = await openDatabase({ url: empty.url })
    await database.migrate()
  })
  afterEach(async () => {
    await database[Symbol.asyncDispose]()
    await empty[Symbol.asyncDispose]()
  })

  test('create an index concurrently while another server waits to migrate', async () => {
    release(
      async (db) => {
        await sql`select pg_sleep(0.5)`.execute(db)
        await createIndexConcurrently(db, 'messages_of_a_test', { on: 'messages', columns: ['created_at'] })
      },
      { inTransaction: false },
    )
    await using second = await openDatabase({ url: empty.url })

    const both = await Promise.all([database.migrate(), second.migrate()])

    expect(both.flatMap(({ applied }) => applied)).toEqual([NEXT])
    const { rows } = await sql<{ valid: boolean }>`
      select indisvalid as valid from pg_index where indexrelid = 'messages_of_a_test'::regclass`.execute(
      database.db,
    )
    expect(rows).toEqual([{ valid: true }])
  })
})

test('both databases have the same tables, columns and indexes', async () => {
  const schemas = await Promise.all(
    dialects.map(async (using) => {
      await using empty = await createEmptyDatabase(using)
      await using database = await openDatabase({ url: empty.url })
      await database.migrate()
      const tables = await database.db.introspection.getTables()
      const indexes = await sql<{ name: string }>`
        select ${sql.ref(using === 'sqlite' ? 'name' : 'indexname')} as name
        from ${sql.table(using === 'sqlite' ? 'sqlite_master' : 'pg_indexes')}
        where ${using === 'sqlite' ? sql`type = 'index'` : sql`schemaname = 'public'`}`.execute(database.db)
      return {
        columns: tables
          .flatMap((table) =>
            table.columns.map((column) => `${table.name}.${column.name}${column.isNullable ? '?' : ''}`),
          )
          // The id of the writing transaction, which only PostgreSQL needs to order the log.
          .filter((column) => column !== 'events.xid')
          .sort(),
        // Indexes of constraints have names chosen by the database.
        indexes: indexes.rows
          .map((row) => row.name)
          .filter((name) => !/^sqlite_autoindex|_(pkey|key)$/.test(name))
          .sort(),
      }
    }),
  )

  expect(schemas[0]?.columns).toEqual(schemas[1]?.columns)
  expect(schemas[0]?.indexes).toEqual(schemas[1]?.indexes)
  expect(schemas[0]?.indexes).toContain('messages_time')
})

test('exactly the columns that hold times have names ending in _at', async () => {
  await using empty = await createEmptyDatabase('postgres')
  await using database = await openDatabase({ url: empty.url })
  await database.migrate()
  const tables = await database.db.introspection.getTables()
  const columns = tables.flatMap((table) => table.columns)
  const namesOf = (some: typeof columns) => some.map(({ name }) => name).sort()
  expect(namesOf(columns.filter(({ dataType }) => dataType === 'timestamptz'))).toEqual(
    namesOf(columns.filter(({ name }) => name.endsWith('_at'))),
  )
})
