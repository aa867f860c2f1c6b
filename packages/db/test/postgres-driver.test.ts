import { createEmptyDatabase, type EmptyDatabase, withPostgres } from '@sotto/testing/internal/databases'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Database, isUnavailable, openDatabase, store } from '../src/index.ts'
import { addUser, idOf, userNumbers } from './support/users.ts'

let empty: EmptyDatabase
const open: Database[] = []

beforeEach(async () => {
  empty = await createEmptyDatabase('postgres')
})
afterEach(async () => {
  vi.useRealTimers()
  for (const database of open.splice(0)) await database[Symbol.asyncDispose]()
  await empty[Symbol.asyncDispose]()
})

/** Opens a single connection by default, so that later queries use the same session. */
async function connect(options: { poolSize?: number; preparedStatements?: boolean } = {}): Promise<Database> {
  const database = await openDatabase({ url: empty.url, poolSize: 1, ...options })
  open.push(database)
  await database.migrate()
  return database
}

async function value<T>(database: Pick<Database, 'db'>, expression: string): Promise<T | undefined> {
  const { rows } = await sql<{ value: T }>`select ${sql.raw(expression)} as value`.execute(database.db)
  return rows[0]?.value
}

const PREPARED = "(select count(*) from pg_prepared_statements where name like 'sotto_%')"

describe('statements', () => {
  test.each([
    { preparedStatements: true, title: 'are prepared with names' },
    { preparedStatements: false, title: 'are not named if prepared statements are off' },
  ])('$title', async ({ preparedStatements }) => {
    const database = await connect({ preparedStatements })

    for (const n of [1, 2, 3]) await addUser(database.db, n)

    expect(await userNumbers(database.db)).toEqual([1, 2, 3])
    expect((await value<number>(database, PREPARED)) !== 0).toBe(preparedStatements)
  })

  test('are named only up to a limit per connection, and work beyond it', async () => {
    const database = await connect()
    const answers: unknown[] = []
    for (const round of [1, 2]) {
      for (let n = 0; n < 600; n++) {
        const { rows } = await sql<{ sum: number }>`select ${n}::int + ${sql.raw(String(n))} as sum`.execute(
          database.db,
        )
        answers.push(rows[0]?.sum === 2 * n || `${round}: ${n}`)
      }
    }

    expect(answers.filter((answer) => answer !== true)).toEqual([])
    expect(await value<number>(database, PREPARED)).toBe(500)
  })

  test('keep working after a newer server has added a column', async () => {
    const database = await connect()
    const at = new Date(0)
    await database.db
      .insertInto('conversations')
      .values({
        id: idOf(1),
        kind: 'group',
        name: null,
        direct_key: null,
        last_seq: 0,
        participant_count: 0,
        created_at: at,
        updated_at: at,
      })
      .execute()
    const before = await store.conversations.find(database.db, idOf(1))
    await withPostgres(empty.url, (client) =>
      client.query('alter table conversations add column closed_at timestamptz'),
    )

    expect(await store.conversations.find(database.db, idOf(1))).toEqual(before)
  })
})

describe('a connection', () => {
  test('sets timeouts and the time zone', async () => {
    const database = await connect()
    const version = (await value<number>(database, "current_setting('server_version_num')::int")) ?? 0

    expect(await value(database, "current_setting('statement_timeout')")).toBe('10s')
    expect(await value(database, "current_setting('idle_in_transaction_session_timeout')")).toBe('5s')
    if (version >= 170_000)
      expect(await value(database, "current_setting('transaction_timeout')")).toBe('15s')
    expect(await value(database, "current_setting('timezone')")).toBe('UTC')
  })

  test('that is closed during a statement makes it fail as unavailable, and is replaced', async () => {
    const database = await connect()
    const pid = await value<number>(database, 'pg_backend_pid()')
    const sleeping = sql`select pg_sleep(60)`.execute(database.db).catch((error: unknown) => error)
    await withPostgres(empty.url, async (client) => {
      const isSleeping = () =>
        client.query("select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'", [pid])
      while ((await isSleeping()).rowCount === 0);
      await client.query('select pg_terminate_backend($1, 5000)', [pid])
    })

    expect(isUnavailable(await sleeping)).toBe(true)
    expect(await value<number>(database, 'pg_backend_pid()')).not.toBe(pid)
  })

  test('that is closed between statements of a transaction makes it fail as unavailable', async () => {
    const database = await connect()
    const failure = await database.db
      .transaction()
      .execute(async (trx) => {
        await addUser(trx, 1)
        const pid = await value<number>({ db: trx }, 'pg_backend_pid()')
        await withPostgres(empty.url, (client) =>
          client.query('select pg_terminate_backend($1, 5000)', [pid]),
        )
        await addUser(trx, 2)
      })
      .catch((error: unknown) => error)

    expect(isUnavailable(failure), String(failure)).toBe(true)
    expect(await userNumbers(database.db)).toEqual([])
    await addUser(database.db, 3)
    expect(await userNumbers(database.db)).toEqual([3])
  })

  test('is waited for at most five seconds', async () => {
    const database = await connect()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const failure = await database.db.transaction().execute(async (trx) => {
      await addUser(trx, 1)
      const waiting = addUser(database.db, 2).catch((error: unknown) => error)
      await vi.advanceTimersByTimeAsync(5_000)
      return waiting
    })

    expect(isUnavailable(failure), String(failure)).toBe(true)
    expect(await userNumbers(database.db)).toEqual([1])
  })
})

describe('a transaction', () => {
  const transactionId = 'pg_current_xact_id()::text'

  test('begins with its first statement, whether that reads or writes', async () => {
    const database = await connect()
    const readFirst = database.db.transaction().execute(async (trx) => {
      const first = await value<string>({ db: trx }, transactionId)
      await addUser(trx, 1)
      expect(await value<string>({ db: trx }, transactionId)).toBe(first)
      throw new Error('rolled back')
    })
    await expect(readFirst).rejects.toThrow('rolled back')
    const writeFirst = database.db.transaction().execute(async (trx) => {
      await addUser(trx, 2)
      throw new Error('rolled back')
    })
    await expect(writeFirst).rejects.toThrow('rolled back')

    expect(await userNumbers(database.db)).toEqual([])
    expect(await value<string>(database, transactionId)).not.toBe(
      await value<string>(database, transactionId),
    )
  })

  test('whose first statement fails leaves a usable connection', async () => {
    const database = await connect()
    const failing = database.db.transaction().execute((trx) => value({ db: trx }, '1 / 0'))
    await expect(failing).rejects.toThrow('division by zero')

    await database.db.transaction().execute((trx) => addUser(trx, 1))
    expect(await userNumbers(database.db)).toEqual([1])
  })

  test('without statements does nothing', async () => {
    const database = await connect()
    expect(await database.db.transaction().execute(async () => 'done')).toBe('done')
    expect(await value(database, 'pg_current_xact_id_if_assigned()')).toBe(null)
  })
})

test('values have the types that queries declare', async () => {
  const database = await connect()
  const values: [expression: string, expected: unknown][] = [
    ['9007199254740991::int8', Number.MAX_SAFE_INTEGER],
    ['count(*)', 1],
    ['null::int8', null],
    ["'2026-01-31 12:00:00.123+00'::timestamptz(3)", new Date('2026-01-31T12:00:00.123Z')],
    ["'2026-01-31 12:00:00+00'::timestamptz(3)", new Date('2026-01-31T12:00:00.000Z')],
    ["'9999-12-31 23:59:59.999+00'::timestamptz(3)", new Date('9999-12-31T23:59:59.999Z')],
    ["'0001-01-01 00:00:00+00'::timestamptz(3)", new Date('0001-01-01T00:00:00.000Z')],
    ['null::timestamptz', null],
    [`'{"a": [0]}'::json`, '{"a": [0]}'],
    [`'[0]'::jsonb`, '[0]'],
    [`'[0]'::text`, '[0]'],
  ]
  for (const [expression, expected] of values) {
    expect(await value(database, expression), expression).toEqual(expected)
  }
})

test('times do not depend on the time zone of the session', async () => {
  const database = await connect()
  for (const timeZone of ['UTC', 'Asia/Kolkata', 'America/St_Johns', 'Europe/Vienna']) {
    await sql.raw(`set timezone = '${timeZone}'`).execute(database.db)
    expect(await value(database, "'2026-07-31 12:00:00.123+00'::timestamptz"), timeZone).toEqual(
      new Date('2026-07-31T12:00:00.123Z'),
    )
  }
})
