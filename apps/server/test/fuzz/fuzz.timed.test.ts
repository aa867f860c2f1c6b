import { setImmediate as tick } from 'node:timers/promises'
import { contract, errorCatalogue, isErrorCode, type Procedure } from '@sotto/contract'
import { createTestServer, type TestServer } from '@sotto/testing'
import { calls, dialects, type Operation } from '@sotto/testing/internal'
import fc from 'fast-check'
import superjson, { type SuperJSONResult } from 'superjson'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomCases } from '../../../../scripts/test-scale.ts'
import { inputsOf, type Names } from './inputs.ts'

/*
 * Every input gets a response that the contract declares, never causes a server error and never blocks other calls.
 * `pnpm fuzz` tries 2,000 inputs per operation and transport.
 */

const RUNS = 10
/** Operations that hash a password run less often, because hashing is slow. */
const HASHING = ['users.create', 'sessions.create', 'passwords.set', 'passwords.reset']
/** How long the event loop may be blocked, in milliseconds. */
const MAX_STALL_MS = 100
/** Operations that would make a user unusable get a user that no other operation needs. */
const onUnusedUser = ['users.erase', 'users.setDisabled', 'users.setRole', 'passwords.set', 'blocks.add']

interface Answer {
  status: number
  code: string | undefined
  output: unknown
  text: string
}

type Headers = Readonly<Record<string, string>>
type Call = (server: TestServer, operation: Operation, input: object, headers: Headers) => Promise<Answer>

const overRpc: Call = async (server, { name, entry }, input, headers) => {
  const json = JSON.stringify({ json: input })
  const response = await (entry.kind === 'query'
    ? server.fetch(`/trpc/${name}?input=${encodeURIComponent(json)}`, { headers })
    : server.fetch(`/trpc/${name}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: json,
      }))
  const text = await response.text()
  const body = JSON.parse(text) as {
    result?: { data: SuperJSONResult }
    error?: { json: { data: { code: string } } }
  }
  return {
    status: response.status,
    code: body.error?.json.data.code,
    output: body.result && superjson.deserialize(body.result.data),
    text,
  }
}

const overRest: Call = async (server, { entry, pathFields, rest }, input, headers) => {
  const fields = new Map(Object.entries(input))
  const path = entry.http.path.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => encodeURIComponent(wellFormed(textOf(fields.get(name) ?? 'x'))) || 'x',
  )
  const others = [...fields].filter(([name]) => !pathFields.includes(name))
  const query = new URLSearchParams(
    others.map(([name, value]): [string, string] => [name, wellFormed(textOf(value))]),
  )
  const body: Record<string, unknown> = {}
  for (const [name, value] of others) {
    Object.defineProperty(body, name, { value, enumerable: true })
  }
  const response = await server.fetch(rest === 'query' ? `${path}?${query}` : path, {
    method: entry.http.method,
    headers: rest === 'query' ? headers : { ...headers, 'content-type': 'application/json' },
    ...(rest === 'body' && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>)
  const code = response.ok ? undefined : String(json?.code)
  return { status: response.status, code, output: withDates(json), text }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null).slice(0, 2_000)
}

/** Text that a URL can contain. */
function wellFormed(text: string): string {
  return text.slice(0, 4_000).toWellFormed()
}

/**
 * Measures the longest stall of the event loop, in milliseconds. The histogram of perf_hooks records nothing before its
 * second tick. On a busy machine the thread may not be scheduled, so a stall is capped at the thread's CPU time.
 */
function watchStalls() {
  let last = performance.now()
  let worst = 0
  let before = process.threadCpuUsage()
  const ticking = setInterval(() => {
    const now = performance.now()
    worst = Math.max(worst, now - last)
    last = now
  }, 1)
  return {
    begin() {
      last = performance.now()
      worst = 0
      before = process.threadCpuUsage()
    },
    async end() {
      // The interval fires between these two.
      await tick()
      await tick()
      const { user, system } = process.threadCpuUsage(before)
      return Math.min(worst, (user + system) / 1_000)
    },
    [Symbol.dispose]: () => clearInterval(ticking),
  }
}

/** Fields that are times. REST returns them as strings, and other fields can contain the same text. */
const TIMES = /^(?:\w+At|at|since)$/

function withDates(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return TIMES.test(name) ? new Date(value) : value
  if (Array.isArray(value)) return value.map((own) => withDates(own, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([own, inner]) => [own, withDates(inner, own)]))
}

describe.each(dialects)('random inputs on %s', (using) => {
  let server: TestServer
  let names: Names
  let headers: Record<'key' | 'alice', Headers>

  beforeAll(async () => {
    server = await createTestServer({ using, users: ['alice', 'bob', 'carol'] })
    const alice = server.as('alice')
    const message = await alice.messages.send({ to: 'bob', text: 'hello' })
    const group = await alice.conversations.create({ name: 'G', participants: ['bob'] })
    const inGroup = await server.as('bob').messages.send({ conversationId: group.id, text: 'hello' })
    const conversations = [message.conversationId, group.id]
    names = {
      user: ['bob', 'carol', message.senderId],
      to: ['bob', 'alice'],
      from: ['alice'],
      sender: ['alice', 'bob'],
      recipient: ['alice', 'bob'],
      conversationId: conversations,
      messageId: [message.id, inGroup.id],
      between: ['alice', 'bob'],
      emoji: ['👍', '🎉'],
    }
    headers = {
      key: { authorization: `Bearer ${server.serviceKey}` },
      alice: { authorization: `Bearer ${server.serviceKey}`, 'act-as': 'alice' },
    }
  }, 60_000)
  afterAll(() => server[Symbol.asyncDispose]())

  test.each(calls)('$name', { timeout: 30 * 60_000 }, async (operation) => {
    const { entry, name } = operation
    const cases = randomCases(HASHING.includes(name) ? RUNS / 10 : RUNS)
    const own = onUnusedUser.includes(name) ? { ...names, user: ['nobody'] } : names
    const as = entry.access === 'actor' ? headers.alice : headers.key
    using stalls = watchStalls()
    for (const call of [overRpc, overRest]) {
      await fc.assert(
        fc.asyncProperty(inputsOf(operation, own), async (input) => {
          let stall = Number.POSITIVE_INFINITY
          // A busy machine stalls as well. A stall caused by the input happens on every attempt.
          for (let attempt = 0; attempt < 3 && stall > MAX_STALL_MS; attempt++) {
            await tick()
            stalls.begin()
            const answer = await call(server, operation, input, as)
            stall = Math.min(stall, await stalls.end())
            expect(answer.status, answer.text).toBeLessThan(500)
            if (answer.code === undefined) {
              expect(entry.output.safeParse(answer.output).error, answer.text).toBeUndefined()
            } else {
              expect(isErrorCode(answer.code), answer.text).toBe(true)
              if (isErrorCode(answer.code)) expect(errorCatalogue[answer.code].status).toBe(answer.status)
              expect(answer.text).not.toMatch(/\bat .*\.(ts|js):\d|SQLITE_|syntax error|violates/)
            }
          }
          expect(stall).toBeLessThan(MAX_STALL_MS)
        }),
        cases,
      )
    }
    expect('polluted' in {}).toBe(false)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect((await server.fetch('/healthz')).status).toBe(200)
  })

  test('are not logged as server errors', () => {
    expect(server.logs.filter((line) => /"level":[56]0/.test(line))).toEqual([])
  })
})

test('every operation except subscriptions is tested', () => {
  const all = Object.values(contract).flatMap((entries) => Object.values<Procedure>(entries))
  expect(calls).toHaveLength(all.filter(({ kind }) => kind !== 'subscription').length)
})
