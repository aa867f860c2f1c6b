import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Database, DatabaseOpenError, openDatabase } from '../src/index.ts'
import { migrations } from '../src/migrations/index.ts'
import { createEmptyDatabase, dialects, type EmptyDatabase } from './support/databases.ts'

const ALL = Object.keys(migrations)

/** Adds a migration of the test's own, after all others. */
function release(up: Migration['up']): string {
  const name = '29991231T000000-of-a-test'
  migrations[name] = { up }
  onTestFinished(() => {
    delete migrations[name]
  })
  return name
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

  test('make an empty database current, and leave a current one alone', async () => {
    expect(await database.migrate()).toEqual({ applied: ALL })
    expect(await database.isCurrent()).toBe(true)
    expect(await database.migrate()).toEqual({ applied: [] })
  })

  test('are applied once by servers that start at the same time', async () => {
    const others = await Promise.all([1, 2, 3].map(() => openDatabase({ url: empty.url })))
    try {
      const results = await Promise.all([database, ...others].map((server) => server.migrate()))

      expect(results.flatMap((result) => result.applied)).toEqual(ALL)
      expect(await database.isCurrent()).toBe(true)
    } finally {
      await Promise.all(others.map((other) => other[Symbol.asyncDispose]()))
    }
  })

  test('are applied once by processes that open an empty database at the same time', async () => {
    const script = fileURLToPath(import.meta.resolve('./support/migrate.ts'))
    const runs = await Promise.all(
      [1, 2, 3].map(() => promisify(execFile)(process.execPath, [script, empty.url])),
    )

    expect(runs.flatMap((run) => JSON.parse(run.stdout))).toEqual(ALL)
  })

  test('that fail leave nothing, and say which one it was', async () => {
    const name = release(async (db) => {
      await db.schema.createTable('half').addColumn('id', 'integer').execute()
      await sql`insert into nowhere values (1)`.execute(db)
    })

    const failure = await database.migrate().catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(DatabaseOpenError)
    expect(String(failure)).toContain(`migration ${name} failed: `)
    expect(String(failure)).not.toContain('\n')
    expect(await tableNames(database)).toEqual(['migrations', 'migrations_lock'])
    expect(await database.isCurrent()).toBe(false)
  })

  test('that fail leave the schema that was there', async () => {
    await database.migrate()
    const before = await tableNames(database)
    release(async (db) => {
      await db.schema.createTable('half').addColumn('id', 'integer').execute()
      await db.schema.alterTable('users').addColumn('half', 'integer').execute()
      throw new Error('no more')
    })

    await expect(database.migrate()).rejects.toThrow(DatabaseOpenError)

    expect(await tableNames(database)).toEqual(before)
    await expect(sql`select half from users`.execute(database.db)).rejects.toThrow(/half/)
  })

  test('go on after one that failed has been put right', async () => {
    release(() => Promise.reject(new Error('not today')))
    await expect(database.migrate()).rejects.toThrow('not today')
    const name = release((db) => db.schema.createTable('whole').addColumn('id', 'integer').execute())

    expect(await database.migrate()).toEqual({ applied: [...ALL, name] })
  })

  test('are not begun on a database of a newer server', async () => {
    await database.migrate()
    await sql`insert into migrations values ('99991231T000000-newer', '2026-01-01')`.execute(database.db)

    const failure = await database.migrate().catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(DatabaseOpenError)
    expect(String(failure)).toMatch(/newer than this server.*99991231T000000-newer.*update the server/)
  })
})

test('migrations on postgres may take as long as they need, and requests afterwards may not', async () => {
  await using empty = await createEmptyDatabase('postgres')
  // One connection, so that it is the same one afterwards.
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
          // The writing transaction, which orders the log: SQLite has one writer at a time.
          .filter((column) => column !== 'events.xid')
          .sort(),
        // Those that constraints made have names of the database's own choice.
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

test('columns of times, and no others, have names that say so', async () => {
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
