import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isUnavailable } from '../src/index.ts'
import { useSqliteDatabase } from './support/sqlite-database.ts'
import { userNumbers } from './support/users.ts'

const sqlite = useSqliteDatabase()
const { add } = sqlite

describe('a database that another process is writing to', () => {
  let other: Sqlite.Database

  beforeEach(() => {
    other = new Sqlite(sqlite.file)
    other.exec('begin immediate')
  })
  afterEach(() => {
    other.close()
  })

  /**
   * How long the event loop is blocked at a time during the work, in milliseconds: the median of the longer pauses, so
   * that a busy machine does not matter.
   */
  async function typicalPause(work: Promise<unknown>): Promise<number> {
    const pauses: number[] = []
    let last = performance.now()
    const timer = setInterval(() => {
      pauses.push(performance.now() - last)
      last = performance.now()
    }, 1)
    await work.catch(() => {})
    clearInterval(timer)
    const long = pauses.filter((pause) => pause > 30).sort((x, y) => x - y)
    return long[Math.floor(long.length / 2)] ?? 0
  }

  test('is waited for without blocking the event loop', async () => {
    const waiting = add(1)
    let turns = 0
    // Ends the other write after several attempts.
    const timer = setInterval(() => {
      if (++turns === 300) other.exec('commit')
    }, 1)

    expect(await typicalPause(waiting)).toBeLessThan(100)
    clearInterval(timer)
    await waiting
    expect(turns).toBeGreaterThanOrEqual(300)
    expect(await userNumbers(sqlite.db)).toEqual([1])
  })

  test('is waited for only for a limited time, by any number of transactions', async () => {
    const started = performance.now()
    const waiting = Promise.allSettled(Array.from({ length: 50 }, (_, index) => add(index + 1)))

    expect(await typicalPause(waiting)).toBeLessThan(100)
    const results = await waiting
    expect(performance.now() - started).toBeLessThan(10_000)
    for (const result of results) {
      expect(result.status === 'rejected' && isUnavailable(result.reason)).toBe(true)
    }
    other.exec('rollback')
    await add(51)
    expect(await userNumbers(sqlite.db)).toEqual([51])
  })
})
