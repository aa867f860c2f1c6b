import { createTestServer } from '@sotto/testing'
import { basic, callRest, callRpc, calls, rest } from '@sotto/testing/internal'
import { afterEach, describe, expect, test, vi } from 'vitest'

/* The time that Unicode normalization takes can grow with the square of the length, so only short text may reach it. */

/** The longest text that may be normalized: a password, typed with up to four characters for one. */
const MAX_NORMALIZED = 1_024
/** Marks in the wrong order, which normalization has to sort. */
const UNSORTED = `a${'\u0316\u0300'.repeat(1_000)}`

afterEach(() => {
  vi.restoreAllMocks()
})

/** Records the lengths of all texts that are normalized. */
function watchNormalize(): number[] {
  const lengths: number[] = []
  const { normalize } = String.prototype
  vi.spyOn(String.prototype, 'normalize').mockImplementation(function (this: string, form) {
    lengths.push(this.length)
    return normalize.call(this, form)
  })
  return lengths
}

describe('text that is too long is rejected before it is normalized', () => {
  test.each([
    ['REST', callRest],
    ['tRPC', callRpc],
  ] as const)('in every field, over %s', async (_, call) => {
    await using server = await createTestServer({ users: ['alice', 'bob'], settings: { signUp: 'open' } })
    const lengths = watchNormalize()
    const headers = { authorization: `Bearer ${server.serviceKey}` }
    for (const operation of calls) {
      for (const field of Object.keys(operation.fields)) {
        const input = { ...(operation.entry.example.input as object), [field]: UNSORTED }
        lengths.length = 0
        await call(server, operation, input, headers).catch(() => {})
        expect(Math.max(0, ...lengths), `${operation.name} ${field}`).toBeLessThanOrEqual(MAX_NORMALIZED)
      }
    }
  })

  test('in the credentials of basic authentication', async () => {
    await using server = await createTestServer({ users: [{ username: 'bob', password: 'correct horse' }] })
    const lengths = watchNormalize()
    const answers = [basic('bob', UNSORTED), basic(UNSORTED, 'correct horse'), basic('bob', 'correct horse')]
    const statuses: number[] = []
    for (const authorization of answers)
      statuses.push((await rest(server, 'GET /v1/me', { authorization })).status)
    expect(statuses).toEqual([401, 401, 200])
    expect(lengths.length).toBeGreaterThan(0)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(MAX_NORMALIZED)
  })
})
