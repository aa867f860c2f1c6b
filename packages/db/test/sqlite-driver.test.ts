import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createEmptyDatabase } from '@sotto/testing/internal/databases'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { isUnavailable, openDatabase, store } from '../src/index.ts'
import { useSqliteDatabase } from './support/sqlite-database.ts'
import { addUser, idOf, userNumbers } from './support/users.ts'

/** More transactions than can share one commit. */
const CROWD = 70

const sqlite = useSqliteDatabase()
const { add } = sqlite
afterEach(() => void vi.useRealTimers())

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

/** Succeeds as a transaction, but makes the shared commit fail. */
function addWithoutUser(n: number): Promise<void> {
  return sqlite.db.transaction().execute(async (trx) => {
    await sql`pragma defer_foreign_keys = on`.execute(trx)
    await trx
      .insertInto('sessions')
      .values({
        id: idOf(n),
        user_id: idOf(n),
        token_hash: `${n}`,
        created_at: new Date(),
        last_used_at: new Date(),
        expires_at: new Date(),
      })
      .execute()
  })
}

function outcomes(results: PromiseSettledResult<unknown>[]): string[] {
  return results.map((result) => (result.status === 'fulfilled' ? 'committed' : 'failed'))
}

describe('transactions that share a commit', () => {
  test('are all committed, in any number', async () => {
    await Promise.all(numbers(1, 3 * CROWD).map(add))

    expect(await userNumbers(sqlite.db)).toEqual(numbers(1, 3 * CROWD))
  })

  test('are not affected by one that is rolled back', async () => {
    const results = await Promise.allSettled(
      numbers(1, 5).map((n) =>
        sqlite.db.transaction().execute(async (trx) => {
          await addUser(trx, n)
          if (n === 3) throw new Error('rolled back')
        }),
      ),
    )

    expect(outcomes(results)).toEqual(['committed', 'committed', 'failed', 'committed', 'committed'])
    expect(await userNumbers(sqlite.db)).toEqual([1, 2, 4, 5])
  })

  test('are not affected by a failed statement in one of them', async () => {
    await add(1)

    const results = await Promise.allSettled(
      [2, 3, 4].map((n) =>
        sqlite.db.transaction().execute(async (trx) => {
          await addUser(trx, n)
          if (n === 3) await sql`insert into users select * from users where username = 'user1'`.execute(trx)
        }),
      ),
    )

    expect(outcomes(results)).toEqual(['committed', 'failed', 'committed'])
    expect(await userNumbers(sqlite.db)).toEqual([1, 2, 4])
  })

  test('all fail and leave nothing if the commit fails', async () => {
    const results = await Promise.allSettled([add(1), addWithoutUser(2), add(3)])

    expect(outcomes(results)).toEqual(['failed', 'failed', 'failed'])
    expect(await userNumbers(sqlite.db)).toEqual([])
    await add(4)
    expect(await userNumbers(sqlite.db)).toEqual([4])
  })

  test('fail without affecting the transaction that holds the write lock', async () => {
    // The last transactions find the group full and commit it. That fails, but they continue in a new group.
    const results = await Promise.allSettled([addWithoutUser(1), ...numbers(2, CROWD).map(add)])

    const committed = numbers(1, CROWD).filter((_, index) => results[index]?.status === 'fulfilled')
    expect(committed.length).toBeGreaterThan(0)
    expect(committed.length).toBeLessThan(CROWD)
    expect(await userNumbers(sqlite.db)).toEqual(committed)
  })

  test('fail without affecting a single statement that triggers their commit', async () => {
    const failing = addWithoutUser(1)
    const single = addUser(sqlite.db, 2)
    const after = add(3)

    expect(outcomes(await Promise.allSettled([failing, single, after]))).toEqual([
      'failed',
      'committed',
      'committed',
    ])
    expect(await userNumbers(sqlite.db)).toEqual([2, 3])
  })

  test('fail as unavailable and leave nothing if the disk is full', async () => {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(sqlite.db)
    await sql.raw(`pragma max_page_count = ${rows[0]?.page_count}`).execute(sqlite.db)
    const big = 'x'.repeat(1_000_000)
    const attempts: Promise<unknown>[] = [
      add(1),
      sqlite.db.transaction().execute(async (trx) => {
        await addUser(trx, 2)
        await trx.updateTable('users').set({ avatar_url: big }).where('id', '=', idOf(2)).execute()
      }),
      sqlite.db.transaction().execute(async (trx) => {
        await trx
          .updateTable('users')
          .set({ avatar_url: big })
          .execute()
          .catch(() => {})
        // SQLite has ended the transaction. This statement must not be committed on its own.
        await addUser(trx, 3)
      }),
    ]

    const results = await Promise.allSettled(attempts)

    expect(outcomes(results).slice(0, 2)).toEqual(['failed', 'failed'])
    for (const result of results) {
      if (result.status === 'rejected') expect(isUnavailable(result.reason), String(result.reason)).toBe(true)
    }
    await sql.raw('pragma max_page_count = 1000000').execute(sqlite.db)
    await add(4)
    expect(await userNumbers(sqlite.db)).toEqual(outcomes(results)[2] === 'committed' ? [3, 4] : [4])
  })
})

describe('reads outside a transaction', () => {
  test('see only committed data', async () => {
    const seen: number[][] = []
    const written = sqlite.db.transaction().execute(async (trx) => {
      await addUser(trx, 1)
      seen.push(await userNumbers(sqlite.db), await userNumbers(trx))
    })
    await written

    expect(seen).toEqual([[], [1]])
    expect(await userNumbers(sqlite.db)).toEqual([1])
  })
})

test('a transaction that writes outside its own handle fails, and later ones succeed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const misuse = sqlite.db.transaction().execute(async (trx) => {
    await addUser(trx, 1)
    await addUser(sqlite.db, 2)
  })
  const failure = expect(misuse).rejects.toThrow(/outside its own handle/)
  await vi.advanceTimersByTimeAsync(5_000)

  await failure
  await add(3)
  expect(await userNumbers(sqlite.db)).toEqual([3])
})

test('closing waits for a running transaction to commit', async () => {
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
  const { promise: hasBegun, resolve: begun } = Promise.withResolvers<void>()
  const order: string[] = []
  const written = sqlite.db.transaction().execute(async (trx) => {
    await addUser(trx, 1)
    begun()
    await mayEnd
    order.push('ended')
  })
  await hasBegun
  const closed = sqlite.database[Symbol.asyncDispose]().then(() => order.push('closed'))
  end()
  await Promise.all([written, closed])

  expect(order).toEqual(['ended', 'closed'])
  await expect(userNumbers(sqlite.db)).rejects.toThrow()
  await using reopened = await openDatabase({ url: sqlite.url })
  expect(await userNumbers(reopened.db)).toEqual([1])
})

test('prepared statements keep working after a newer server has added a column', async () => {
  await sqlite.db
    .insertInto('conversations')
    .values({
      id: idOf(1),
      kind: 'group',
      name: null,
      direct_key: null,
      last_seq: 0,
      participant_count: 0,
      created_at: new Date(0),
      updated_at: new Date(0),
    })
    .execute()
  const before = await store.conversations.find(sqlite.db, idOf(1))
  const newer = new Sqlite(sqlite.file)
  newer.exec('alter table conversations add column closed_at integer')
  newer.close()

  expect(await store.conversations.find(sqlite.db, idOf(1))).toEqual(before)
  await add(1)
  expect(await userNumbers(sqlite.db)).toEqual([1])
})

test('acknowledged transactions survive kill -9', async () => {
  await using killed = await createEmptyDatabase('sqlite')
  const script = fileURLToPath(import.meta.resolve('./support/endless-writer.ts'))
  const child = spawn(process.execPath, [script, killed.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const acknowledged: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(Number(line))
    if (acknowledged.length === 300) child.kill('SIGKILL')
  }
  await exited

  await using reopened = await openDatabase({ url: killed.url })
  const present = new Set(await userNumbers(reopened.db))
  expect(acknowledged.length).toBeGreaterThanOrEqual(300)
  expect(acknowledged.filter((n) => !present.has(n))).toEqual([])
})
