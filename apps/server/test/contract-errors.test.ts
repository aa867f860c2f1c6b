import { type ErrorCode, errorCatalogue, isErrorCode } from '@sotto/contract'
import { createTestServer, type TestServer } from '@sotto/testing'
import {
  type Answer,
  callRest,
  callRpc,
  dialects,
  fieldsOf,
  jsonOf,
  type Operation,
  operations,
  outputFields,
  type RequestHeaders,
} from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/*
 * Calls every operation of the contract with every kind of invalid input that can be derived from its entry. Both
 * transports must return the same error, with a code that the entry declares, without leaking internals.
 */

type Input = Record<string, unknown>
interface BadCall {
  what: string
  input: Input
  /** The expected code, if it does not depend on the operation. */
  code?: ErrorCode
}

const COMMON: readonly ErrorCode[] = ['INVALID_INPUT', 'UNAUTHENTICATED', 'RATE_LIMITED']
/** Matches SQL statements, stack traces and database messages. */
const INTERNALS =
  /\b(select|insert into|update .* set|sqlite|postgres|constraint|syntax)\b|node_modules|\.ts:\d| {4}at /i

describe.each(dialects)('invalid calls on %s', (using) => {
  let server: TestServer
  let callers: Record<'key' | 'alice' | 'anonymous' | 'unknown', RequestHeaders>

  beforeAll(async () => {
    server = await createTestServer({ using, users: ['alice', 'bob'] })
    await server.as('alice').messages.send({ to: 'bob', text: 'Hello, Bob!' })
    const authorization = `Bearer ${server.serviceKey}`
    callers = {
      key: { authorization },
      alice: { authorization, 'act-as': 'alice' },
      anonymous: {},
      unknown: { authorization: 'Bearer st_unknown-token' },
    }
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** Makes the call over both transports and returns the error that both must respond with. */
  async function rejection(operation: Operation, input: Input, headers: RequestHeaders): Promise<Answer> {
    const [rpc, rest] = [
      await callRpc(server, operation, input, headers),
      await callRest(server, operation, input, headers),
    ]
    expect(rest.answer).toEqual(rpc.answer)
    for (const { answer, wire } of [rpc, rest]) {
      const { code } = answer
      expect(wire).not.toMatch(INTERNALS)
      if (!isErrorCode(code)) throw new Error(`not rejected: ${wire}`)
      expect([...COMMON, ...operation.entry.errors]).toContain(code)
      expect(answer.status).toBe(errorCatalogue[code].status)
      if (code === 'INVALID_INPUT') expect(answer.issues).not.toEqual([])
    }
    return rpc.answer
  }

  const callerOf = ({ entry }: Operation) => (entry.example.as === 'key' ? callers.key : callers.alice)

  describe.each(operations)('$name', (operation) => {
    const { entry } = operation
    const example = jsonOf(entry.example.input) as Input

    test('rejects invalid input', async () => {
      for (const { what, input, code } of badInputs(operation, example)) {
        const answer = await rejection(operation, input, callerOf(operation)).catch((error: unknown) => {
          throw new Error(`${what}: ${JSON.stringify(input).slice(0, 300)}`, { cause: error })
        })
        if (code) expect(answer.code, `${what}: ${JSON.stringify(input).slice(0, 300)}`).toBe(code)
      }
    })

    test('rejects fields that only the server sets, naming each, at every level of the input', async () => {
      for (const { input, named } of serverFieldInputs(operation, example)) {
        const { code, issues } = await rejection(operation, input, callerOf(operation))
        expect({ code, paths: issues.map(({ path }) => path) }).toEqual({
          code: 'INVALID_INPUT',
          paths: named,
        })
      }
    })

    test('rejects callers without access', async () => {
      expect((await rejection(operation, example, callers.unknown)).code).toBe('UNAUTHENTICATED')
      if (entry.access !== 'anyone') {
        expect((await rejection(operation, example, callers.anonymous)).code).toBe('UNAUTHENTICATED')
      }
      if (entry.access === 'actor') {
        expect((await rejection(operation, example, callers.key)).code).toBe('ACTOR_REQUIRED')
      }
      if (entry.access === 'admin') {
        // A service key that acts for a user has only that user's rights.
        expect((await rejection(operation, example, callers.alice)).code).toBe('FORBIDDEN')
      }
    })
  })
})

const WRONG_VALUES: readonly unknown[] = [
  42,
  -1,
  1.5,
  true,
  '',
  ' ',
  'text',
  [],
  ['alice'],
  {},
  { a: 1 },
  null,
]
/** Queries and paths can only contain text. */
const WRONG_TEXTS = [
  '',
  ' ',
  '-1',
  '1.5',
  '1e3',
  '0x10',
  'NaN',
  '9007199254740993',
  'text',
  'True',
  '%',
  'a,b,c',
]
const GARBAGE_IDS = [
  'nope',
  '00000000-0000-0000-0000-000000000000',
  '019C13A0-0000-7000-8000-00000000000F',
  "' OR 1=1 --",
  '🙂',
  '%00',
  '../../healthz',
  'x'.repeat(255),
]

/** Field names that callers must not be able to set, in addition to output fields. */
const OTHER_SERVER_FIELDS = [
  'isAdmin',
  'passwordHash',
  'tokenHash',
  'userId',
  'actor',
  'is_admin',
  'sender_id',
]
const SERVER_FIELDS = [
  ...new Set([...operations.flatMap(({ entry }) => outputFields(entry)), ...OTHER_SERVER_FIELDS]),
]
/** A response lists at most this many issues. */
const MAX_ISSUES = 20

/** Valid inputs plus server fields, at the top level and in each nested object. */
function serverFieldInputs(operation: Operation, example: Input): { input: Input; named: string[] }[] {
  const objects = [
    { path: [] as string[], fields: operation.fields, own: example },
    ...objectsIn(operation).map((object) => ({ ...object, own: sampleObject(object.fields) })),
  ]
  return objects.flatMap(({ path, fields, own }) =>
    chunksOf(
      SERVER_FIELDS.filter((name) => !(name in fields)),
      MAX_ISSUES,
    ).map((names) => {
      const object = { ...own, ...Object.fromEntries(names.map((name) => [name, '1'])) }
      return {
        input: path.length === 0 ? object : setAt(example, path, object),
        named: names.map((name) => [...path, name].join('.')),
      }
    }),
  )
}

/** The object fields of an input. A query is flat and has none. */
function objectsIn({ fields, rest }: Operation): { path: string[]; fields: Operation['fields'] }[] {
  return Object.entries(fields).flatMap(([name, schema]) => {
    const inner = fieldsOf(schema)
    return rest === 'body' && Object.keys(inner).length > 0 ? [{ path: [name], fields: inner }] : []
  })
}

/** An object with a sample value for each field that accepts one of `SAMPLES`. */
function sampleObject(fields: Operation['fields']): Input {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, schema]) => {
      const sample = sampleOf(schema)
      return sample === undefined ? [] : [[name, sample]]
    }),
  )
}

function chunksOf<Item>(items: readonly Item[], length: number): Item[][] {
  const count = Math.ceil(items.length / length)
  return Array.from({ length: count }, (_, part) => items.slice(part * length, (part + 1) * length))
}

function badInputs(operation: Operation, example: Input): BadCall[] {
  const { entry, fields, pathFields } = operation
  const isText = (name: string) => operation.rest === 'query' || pathFields.includes(name)
  const ifInvalid = (what: string, input: Input): BadCall[] =>
    entry.input.safeParse(input).success ? [] : [{ what, input, code: 'INVALID_INPUT' }]

  const unknownField = [
    { what: 'an unknown field', input: { ...example, surprise: '1' }, code: 'INVALID_INPUT' as const },
  ]
  const wrongValues = Object.keys(fields).flatMap((name) =>
    (isText(name) ? WRONG_TEXTS : WRONG_VALUES)
      // An empty path segment makes it a different path.
      .filter((value) => !(pathFields.includes(name) && value === ''))
      .flatMap((value) => ifInvalid(`a wrong ${name}`, typed(operation, { ...example, [name]: value }))),
  )
  const missing = Object.keys(example)
    .filter((name) => !pathFields.includes(name))
    .flatMap((name) => ifInvalid(`no ${name}`, omit(example, name)))
  const nul = stringPaths(fields).flatMap(({ path, sample }) =>
    ifInvalid(`NUL in ${path.join('.')}`, setAt(example, path, `${sample}\0`)),
  )
  const surrogates = stringPaths(fields)
    .filter(({ path: [name = ''] }) => !isText(name))
    .flatMap(({ path, sample }) =>
      ifInvalid(`half a surrogate pair in ${path.join('.')}`, setAt(example, path, `${sample}\ud83d`)),
    )
  const garbage = pathFields.flatMap((name) =>
    (name === 'emoji' ? [] : GARBAGE_IDS).map((value) => ({
      what: `garbage for ${name}`,
      input: { ...example, [name]: value },
    })),
  )
  return [...unknownField, ...wrongValues, ...missing, ...nul, ...surrogates, ...garbage]
}

/** Converts the numbers and lists in a query to the types that RPC expects. */
function typed({ rest, fields }: Operation, input: Input): Input {
  if (rest === 'body') return input
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => {
      if (typeof value !== 'string' || !(name in fields)) return [name, value]
      // A field that takes a list of names.
      if (fields[name]?.safeParse(['alice', 'bob']).success) return [name, value.split(',')]
      return [
        name,
        /^-?\d{1,15}$/.test(value) && sampleOf(fields[name]) === undefined ? Number(value) : value,
      ]
    }),
  )
}

const SAMPLES = [
  'text-text',
  'https://example.com/a',
  'a@example.com',
  '🎉',
  'image',
  'other',
  '2026-01-31T12:00:00.000Z',
]

/** A string that the field accepts, or undefined if it accepts none of the samples. */
function sampleOf(schema: Operation['fields'][string] | undefined): string | undefined {
  return SAMPLES.find((text) => schema?.safeParse(text).success)
}

/** The paths of all string fields of an input, including nested ones, each with a valid value. */
function stringPaths(
  fields: Operation['fields'],
  above: readonly string[] = [],
): { path: readonly string[]; sample: string }[] {
  return Object.entries(fields).flatMap(([name, schema]) => {
    const path = [...above, name]
    const inner = fieldsOf(schema)
    if (Object.keys(inner).length > 0) return stringPaths(inner, path)
    const sample = sampleOf(schema)
    return sample === undefined ? [] : [{ path, sample }]
  })
}

function setAt(input: Input, [name = '', ...rest]: readonly string[], value: unknown): Input {
  if (rest.length === 0) return { ...input, [name]: value }
  const inner = input[name]
  return { ...input, [name]: setAt(typeof inner === 'object' && inner ? { ...inner } : {}, rest, value) }
}

function omit(input: Input, name: string): Input {
  return Object.fromEntries(Object.entries(input).filter(([key]) => key !== name))
}
