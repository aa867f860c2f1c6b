import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '@sotto/contract'
import { dialects, type Operation, operations } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { matrix, type OperationName, type Row } from './matrix.ts'
import { type AuthorizationServer, callerNames, type Headers, startAuthorizationServer } from './server.ts'
import { bareAnswer, type Call, createTransports, type Transports } from './transports.ts'

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
  let transports: Transports['all']
  const stack = new AsyncDisposableStack()
  beforeAll(async () => {
    server = stack.use(await startAuthorizationServer(using))
    transports = stack.use(createTransports()).all
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  const inputFor = async (row: Row): Promise<object> => (await row.input?.(server.resources)) ?? {}
  /** Calls that are rejected change nothing, so they can share an input. */
  const unchanged = new Map<Row, object>()
  async function inputToReject(row: Row): Promise<object> {
    const input = unchanged.get(row) ?? (await inputFor(row))
    unchanged.set(row, input)
    return input
  }

  /** Expects every operation to be rejected with this code over every transport. */
  async function expectRejections(
    callers: Readonly<Record<string, Headers>>,
    code: ErrorCode,
    isTested: (caller: string, operation: Operation) => boolean = () => true,
  ): Promise<void> {
    const found: string[] = []
    for (const [caller, headers] of Object.entries(callers)) {
      const calls: Call[] = []
      for (const { operation, row } of rows) {
        if (isTested(caller, operation)) calls.push({ operation, input: await inputToReject(row) })
      }
      for (const [transport, call] of Object.entries(transports)) {
        const answers = await call(server.url, calls, headers)
        for (const [index, answer = code] of answers.entries()) {
          if (answer !== code) found.push(`${calls[index]?.operation.name} ${transport} ${caller}: ${answer}`)
        }
      }
    }
    expect(found).toEqual([])
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
        const calls: Call[] = []
        while (calls.length < count) {
          calls.push({ operation, input: await (code === 'ok' ? inputFor : inputToReject)(row) })
        }
        for (const answer of await call(server.url, calls, server.headersOf(caller))) {
          if (answer === undefined) continue
          expected[`${transport} ${caller}`] = code
          if (answer !== code || !found[`${transport} ${caller}`]) found[`${transport} ${caller}`] = answer
        }
        if (row.endsSessions && code === 'ok') await server.signInAgain(caller)
      }
    }
    expect(found).toEqual(expected)
  })

  test('rejects expired, ended, revoked and invalid credentials', { timeout: 120_000 }, async () => {
    await expectRejections(
      server.invalid,
      'UNAUTHENTICATED',
      // One operation is enough, because hashing is slow and the same for all.
      (what, { name }) => what !== 'a wrong password' || name === 'users.me',
    )
  })

  test('rejects calls that were made for a different user', { timeout: 120_000 }, async () => {
    const expected = { 'expected-user': await server.idOf('former') }
    const callers = (['stranger', 'admin', 'key', 'keyForOwner'] as const).map((caller) => [
      caller,
      { ...server.headersOf(caller), ...expected },
    ])
    await expectRejections(Object.fromEntries(callers), 'USER_MISMATCH')
  })

  test('accepts calls that were made for their user, named in any way and letter case', async () => {
    const id = await server.idOf('owner')
    const { operation = undefined } = rows.find(({ name }) => name === 'users.me') ?? {}
    if (!operation) throw new Error('no such operation')
    for (const [transport, call] of Object.entries(transports)) {
      for (const caller of ['owner', 'keyForOwner', 'readKeyForOwner'] as const) {
        for (const user of [id, id.toUpperCase(), 'Alice']) {
          const headers = { ...server.headersOf(caller), 'expected-user': user }
          expect(await call(server.url, [{ operation, input: {} }], headers), transport).toEqual(['ok'])
        }
      }
    }
    const malformed = { ...server.headersOf('owner'), 'expected-user': '%ff' }
    expect(await transports.REST(server.url, [{ operation, input: {} }], malformed)).toEqual([
      'INVALID_INPUT',
    ])
    // An anonymous caller is no other user, but has to sign in.
    const anonymous = { 'expected-user': id }
    expect(await transports.REST(server.url, [{ operation, input: {} }], anonymous)).toEqual([
      'UNAUTHENTICATED',
    ])
  })

  test('gives the same response for a resource of another user as for a missing one', async () => {
    const compared: string[] = []
    for (const { operation, row } of rows) {
      const field = operation.pathFields.find((name) => name.endsWith('Id'))
      if (!field || !row.codes.split(/\s+/)[1]?.includes('N')) continue
      const headers: Headers = server.headersOf('stranger')
      const foreign = await inputFor(row)
      const missing = { ...foreign, [field]: randomUUID() }
      const answer = await bareAnswer(server.url, operation, foreign, headers)
      expect(answer, operation.name).toMatch(/^404 /)
      expect(answer, operation.name).toBe(await bareAnswer(server.url, operation, missing, headers))
      compared.push(operation.name)
    }
    expect(compared.length).toBeGreaterThan(15)
  })
})
