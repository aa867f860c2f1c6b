import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '@sotto/contract'
import { dialects, type Operation, operations } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { matrix, type OperationName, type Row } from './matrix.ts'
import { type AuthorizationServer, callerNames, type Headers, startAuthorizationServer } from './server.ts'
import { bareAnswer, transports } from './transports.ts'

const rows = operations.map((operation) => ({
  operation,
  name: operation.name,
  // The matrix has a row for every operation, or it would not compile.
  row: matrix[operation.name as OperationName],
}))
const codeFor: Record<string, ErrorCode> = {
  U: 'UNAUTHENTICATED',
  F: 'FORBIDDEN',
  A: 'ACTOR_REQUIRED',
  I: 'INVALID_INPUT',
}

/** Resolves a code of the matrix. `N` is the first *_NOT_FOUND code of the operation other than USER_NOT_FOUND. */
function expectedOf({ entry }: Operation, code: string): string {
  if (code === 'N') return entry.errors.find((error) => /(?<!USER)_NOT_FOUND$/.test(error)) ?? 'no such code'
  return codeFor[code] ?? code
}

describe.each(dialects)('authorization on %s', (using) => {
  let server: AuthorizationServer
  beforeAll(async () => {
    server = await startAuthorizationServer(using)
  }, 60_000)
  afterAll(() => server[Symbol.asyncDispose]())

  const inputFor = async (row: Row): Promise<object> => (await row.input?.(server.resources)) ?? {}
  const inputsFor = async (row: Row, count: number) => {
    const inputs: object[] = []
    for (let n = 0; n < count; n++) inputs.push(await inputFor(row))
    return inputs
  }
  /** Calls that are rejected change nothing, so they can share an input. */
  const unchanged = new Map<Row, object>()
  async function inputsToReject(row: Row, count: number): Promise<object[]> {
    const input = unchanged.get(row) ?? (await inputFor(row))
    unchanged.set(row, input)
    return Array.from({ length: count }, () => input)
  }

  test.each(rows)('$name', { timeout: 120_000 }, async ({ operation, row }) => {
    const codes = row.codes.split(/\s+/)
    expect(codes).toHaveLength(callerNames.length)
    const expected: Record<string, string> = {}
    const found: Record<string, string> = {}
    for (const [transport, call] of Object.entries(transports)) {
      for (const [index, caller] of callerNames.entries()) {
        // The first call of a batch would invalidate the credentials of the second.
        const count = transport === 'batch' && !row.endsSessions ? 2 : 1
        const code = expectedOf(operation, codes[index] ?? '')
        const inputs = await (code === 'ok' ? inputsFor : inputsToReject)(row, count)
        const answers = await call(server.url, operation, inputs, server.headersOf(caller))
        for (const answer of answers) {
          expected[`${transport} ${caller}`] = code
          if (answer !== code || !found[`${transport} ${caller}`]) found[`${transport} ${caller}`] = answer
        }
        if (row.endsSessions) await server.signInAgain()
      }
    }
    expect(found).toEqual(expected)
  })

  test('rejects expired, ended, revoked and invalid credentials', { timeout: 120_000 }, async () => {
    const found = new Set<string>()
    for (const { operation, row } of rows) {
      for (const [transport, call] of Object.entries(transports)) {
        for (const [what, headers] of Object.entries(server.invalid)) {
          // One operation is enough, because hashing is slow and the same for all.
          if (what === 'a wrong password' && operation.name !== 'users.me') continue
          for (const answer of await call(server.url, operation, await inputsToReject(row, 1), headers)) {
            if (answer !== 'UNAUTHENTICATED') found.add(`${operation.name} ${transport} ${what}: ${answer}`)
          }
        }
      }
    }
    expect([...found]).toEqual([])
  })

  test('rejects calls that were made for a different user', { timeout: 120_000 }, async () => {
    const found = new Set<string>()
    const expected = { 'expected-user': await server.idOf('former') }
    for (const { operation, row } of rows) {
      for (const [transport, call] of Object.entries(transports)) {
        for (const caller of ['stranger', 'admin', 'key', 'keyForOwner'] as const) {
          const headers = { ...server.headersOf(caller), ...expected }
          for (const answer of await call(server.url, operation, await inputsToReject(row, 1), headers)) {
            if (answer !== 'USER_MISMATCH') found.add(`${operation.name} ${transport} ${caller}: ${answer}`)
          }
        }
      }
    }
    expect([...found]).toEqual([])
  })

  test('accepts calls that were made for their user, named in any way and letter case', async () => {
    const id = await server.idOf('owner')
    const { operation = undefined } = rows.find(({ name }) => name === 'users.me') ?? {}
    if (!operation) throw new Error('no such operation')
    for (const [transport, call] of Object.entries(transports)) {
      for (const caller of ['owner', 'keyForOwner', 'readKeyForOwner'] as const) {
        for (const user of [id, id.toUpperCase(), 'Alice']) {
          const headers = { ...server.headersOf(caller), 'expected-user': user }
          expect(await call(server.url, operation, [{}], headers), transport).toEqual(['ok'])
        }
      }
    }
    const malformed = { ...server.headersOf('owner'), 'expected-user': '%ff' }
    expect(await transports.REST?.(server.url, operation, [{}], malformed)).toEqual(['INVALID_INPUT'])
    // An anonymous caller is no other user, but has to sign in.
    const anonymous = { 'expected-user': id }
    expect(await transports.REST?.(server.url, operation, [{}], anonymous)).toEqual(['UNAUTHENTICATED'])
  })

  test('gives the same response for a resource of another user as for a missing one', async () => {
    const compared: string[] = []
    for (const { operation, row } of rows) {
      const field = operation.pathFields.find((name) => name.endsWith('Id'))
      if (!field || !row.codes.split(/\s+/)[1]?.includes('N')) continue
      const headers: Headers = server.headersOf('stranger')
      const [foreign = {}] = await inputsFor(row, 1)
      const missing = { ...foreign, [field]: randomUUID() }
      const answer = await bareAnswer(server.url, operation, foreign, headers)
      expect(answer, operation.name).toMatch(/^404 /)
      expect(answer, operation.name).toBe(await bareAnswer(server.url, operation, missing, headers))
      compared.push(operation.name)
    }
    expect(compared.length).toBeGreaterThan(15)
  })
})
