import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { contract, SottoError } from '@sotto/contract'
import { codeOf, startServer } from '@sotto/testing/internal'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Context } from '../src/app/context.ts'
import { ExportsInProgress } from '../src/http/exports-in-progress.ts'

const entry = contract.users.export

function responseOf(): ServerResponse {
  return Object.assign(new EventEmitter(), { destroyed: false }) as unknown as ServerResponse
}

function contextOf(caller: object, charge = async (..._: unknown[]) => {}): Context {
  return { app: { limits: { charge } }, caller, address: '192.0.2.1' } as unknown as Context
}

const alice = { kind: 'user', actor: { id: 'alice', username: 'alice' } }
const bob = { kind: 'user', actor: { id: 'bob', username: 'bob' } }
const key = { kind: 'key', keyId: 'k', actor: alice.actor }

test('a user can have three exports in progress', async () => {
  const exports = new ExportsInProgress()
  const begin = async (caller: object, response = responseOf()) =>
    void exports.begin(contextOf(caller), entry, response)
  const first = responseOf()
  await begin(alice, first)
  for (let i = 0; i < 2; i++) await begin(alice)
  expect(await codeOf(begin(alice))).toBe('RATE_LIMITED')
  await begin(bob)
  for (let i = 0; i < 5; i++) await begin(key)
  first.emit('close')
  await begin(alice)
})

describe('each page of an export', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  test('is charged, and waits at the limit instead of failing', async () => {
    const outcomes = ['ok', 'over', 'over', 'ok']
    const charged: string[] = []
    const ctx = contextOf(alice, async () => {
      const outcome = outcomes.shift() ?? 'ok'
      charged.push(outcome)
      if (outcome === 'over') throw new SottoError('RATE_LIMITED', { retryAfterMs: 1_000 })
    })
    const nextTurn = new ExportsInProgress().begin(ctx, entry, responseOf())
    await nextTurn()
    expect(charged).toEqual([])
    await nextTurn()
    expect(charged).toEqual(['ok'])
    let isDone = false
    const third = nextTurn().then(() => {
      isDone = true
    })
    await vi.waitFor(() => expect(charged).toHaveLength(2))
    expect(isDone).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    await third
    expect(charged).toEqual(['ok', 'over', 'over', 'ok'])
  })
})

// PostgreSQL is asynchronous in any case.
describe('exports on SQLite', () => {
  test('read at most one page per iteration of the event loop, all of them together', async () => {
    let iteration = 0
    const pages: number[] = []
    await using server = await startServer('sqlite', {
      users: ['alice', 'bob'],
      overrides: {
        onStatement(sql) {
          if (/from "messages" as "m"/.test(sql) && /"m"\."seq" > /.test(sql)) pages.push(iteration)
        },
      },
    })
    await Promise.all(Array.from({ length: 500 }, (_, i) => server.send('alice', 'bob', `${i}`)))
    pages.length = 0
    let next = setImmediate(function count() {
      iteration++
      next = setImmediate(count)
    })
    const headers = { ...server.headers(), accept: 'application/x-ndjson' }
    const lines = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const response = await server.fetch('/v1/users/alice/export', { headers })
        return (await response.text()).trimEnd().split('\n').length
      }),
    )
    clearImmediate(next)
    for (const count of lines) expect(count).toBeGreaterThan(500)
    expect(pages.length).toBeGreaterThanOrEqual(8 * 3)
    expect(new Set(pages).size).toBe(pages.length)
  })

  test('read only one page for HEAD', async () => {
    let reads = 0
    await using server = await startServer('sqlite', {
      users: ['alice', 'bob'],
      overrides: {
        onStatement(sql) {
          if (/from "messages" as "m"/.test(sql) && /"m"\."seq" > /.test(sql)) reads++
        },
      },
    })
    await Promise.all(Array.from({ length: 500 }, (_, i) => server.send('alice', 'bob', `${i}`)))
    const headers = { ...server.headers('alice'), accept: 'application/x-ndjson' }
    reads = 0
    const response = await server.fetch('/v1/users/alice/export', { method: 'HEAD', headers })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
    const whole = await server.fetch('/v1/users/alice/export', { headers })
    expect((await whole.text()).split('\n').length).toBeGreaterThan(500)
    expect(reads).toBe(4)
  })
})
