import { afterEach, expect, test, vi } from 'vitest'
import { TimedCache } from '../src/identity/timed-cache.ts'

const LIFETIME_MS = 1_000
const names = Array.from({ length: 12 }, (_, index) => `user ${index}`)

/** A cache over a table, and the number of statements that have read it. */
function cacheOver(table: Map<string, string>) {
  const statements = { lookups: 0, refreshes: 0 }
  const cache = new TimedCache<string>({
    lifetimeMs: LIFETIME_MS,
    maxEntries: 100,
    async refresh(entries) {
      statements.refreshes++
      return new Map([...table].filter(([name]) => entries.has(name)))
    },
  })
  const find = (name: string) =>
    cache.find(name, async () => {
      statements.lookups++
      return table.get(name)
    })
  return { cache, find, statements }
}

afterEach(() => void vi.useRealTimers())

test('entries in use are read again together, before they expire', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  const table = new Map(names.map((name) => [name, 'before']))
  const { find, statements } = cacheOver(table)
  for (let time = 0; time < 10; time++) {
    for (const name of names) await find(name)
    await vi.advanceTimersByTimeAsync(LIFETIME_MS / 2)
  }
  expect(statements.lookups).toBe(names.length)
  expect(statements.refreshes).toBeLessThan(10)

  for (const name of names) table.set(name, 'after')
  table.delete('user 0')
  await vi.advanceTimersByTimeAsync(LIFETIME_MS)
  expect(await Promise.all(names.map(find))).toEqual([undefined, ...names.slice(1).map(() => 'after')])

  const { refreshes } = statements
  await vi.advanceTimersByTimeAsync(60_000)
  expect(statements.refreshes - refreshes).toBeLessThan(10)
  expect(vi.getTimerCount()).toBe(0)
})

test('few entries expire and are looked up again when they are used', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  const { find, statements } = cacheOver(new Map([['user 0', 'before']]))
  await find('user 0')
  await vi.advanceTimersByTimeAsync(10 * LIFETIME_MS)
  await find('user 0')
  expect(statements).toEqual({ lookups: 2, refreshes: 0 })
})

test('entries that were being read again when the cache was cleared are not kept', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  const table = new Map(names.map((name) => [name, 'before']))
  const { promise, resolve } = Promise.withResolvers<ReadonlyMap<string, string>>()
  const refresh = vi.fn(() => promise)
  const cache = new TimedCache<string>({ lifetimeMs: LIFETIME_MS, maxEntries: 100, refresh })
  for (const [name, value] of table) cache.set(name, value)
  await vi.advanceTimersByTimeAsync(0.9 * LIFETIME_MS)
  expect(refresh).toHaveBeenCalledTimes(1)
  cache.clear()
  resolve(table)
  await promise
  expect(names.map((name) => cache.get(name))).toEqual(names.map(() => undefined))
})

test('a lookup that started before clear() and finished after it is not cached', async () => {
  const cache = new TimedCache<string>({ lifetimeMs: 60_000, maxEntries: 10 })
  const { promise, resolve } = Promise.withResolvers<string>()
  const before = cache.find('key', () => promise)
  cache.clear()
  resolve('old')
  expect(await before).toBe('old')
  expect(await cache.find('key', async () => 'new')).toBe('new')
  expect(await cache.find('key', async () => 'newer')).toBe('new')
})
