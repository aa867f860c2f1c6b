import { expect, test } from 'vitest'
import { TimedCache } from '../src/identity/timed-cache.ts'

test('a lookup that started before clear() and finished after it is not cached', async () => {
  const cache = new TimedCache<string>(60_000, 10)
  const { promise, resolve } = Promise.withResolvers<string>()
  const before = cache.find('key', () => promise)
  cache.clear()
  resolve('old')
  expect(await before).toBe('old')
  expect(await cache.find('key', async () => 'new')).toBe('new')
  expect(await cache.find('key', async () => 'newer')).toBe('new')
})
