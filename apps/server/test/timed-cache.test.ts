import { expect, test } from 'vitest'
import { TimedCache } from '../src/identity/timed-cache.ts'

test('what was looked up before a clearing, and found after it, is not kept', async () => {
  const cache = new TimedCache<string>(60_000, 10)
  const { promise, resolve } = Promise.withResolvers<string>()
  const before = cache.find('key', () => promise)
  cache.clear()
  resolve('old')
  expect(await before).toBe('old')
  expect(await cache.find('key', async () => 'new')).toBe('new')
  expect(await cache.find('key', async () => 'newer')).toBe('new')
})
