import { failureOf, type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProxy, toolsFor } from './support/proxy.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer('sqlite')
})
afterAll(async () => await server?.[Symbol.asyncDispose]())

const { keyed, proxyWith } = toolsFor(() => server)

describe('retries', () => {
  it('are not attempted if the wait exceeds the timeout', async () => {
    await using proxy = await proxyWith([{ status: 429, headers: { 'retry-after': '3600' } }])
    const startedAt = performance.now()
    const error = await failureOf(keyed(proxy.url).users.list())
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 3_600_000 })
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(proxy.requests).toHaveLength(1)
  })

  it('stops waiting for a retry when aborted', async () => {
    await using proxy = await startProxy(server.url, () => ({
      status: 503,
      headers: { 'retry-after': '20' },
    }))
    const startedAt = performance.now()
    const call = keyed(proxy.url)
      .users.list({}, { signal: AbortSignal.timeout(200) })
      .then()
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})

describe('a call', () => {
  it('times out over all attempts together', async () => {
    await using proxy = await proxyWith(['break', 'hang', 'hang', 'hang'])
    const startedAt = performance.now()
    const error = await failureOf(keyed(proxy.url).users.list({}, { timeoutMs: 700 }))
    const took = performance.now() - startedAt
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true, cause: { code: 'UNAVAILABLE' } })
    expect(error.message).toContain('700 ms')
    expect(took).toBeGreaterThan(650)
    expect(took).toBeLessThan(2_000)
  })
})
