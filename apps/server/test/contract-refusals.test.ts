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
 * Every operation of the contract gets every kind of bad call that can be made from its entry. Both transports
 * must refuse it in the same words, with a code that the entry allows for, and tell nothing of the inside.
 */

type Input = Record<string, unknown>
interface BadCall {
  what: string
  input: Input
  /** Where the call is bad whatever the operation does. */
  code?: ErrorCode
}

const COMMON: readonly ErrorCode[] = ['INVALID_INPUT', 'UNAUTHENTICATED', 'RATE_LIMITED']
/** What a statement, a stack or a database's own message holds. */
const INSIDE =
  /\b(select|insert into|update .* set|sqlite|postgres|constraint|syntax)\b|node_modules|\.ts:\d| {4}at /i

describe.each(dialects)('bad calls on %s', (using) => {
  let server: TestServer
  let callers: Record<'key' | 'alice' | 'nobody' | 'stranger', RequestHeaders>

  beforeAll(async () => {
    server = await createTestServer({ using, users: ['alice', 'bob'] })
    await server.as('alice').messages.send({ to: 'bob', text: 'Hello, Bob!' })
    const authorization = `Bearer ${server.serviceKey}`
    callers = {
      key: { authorization },
      alice: { authorization, 'act-as': 'alice' },
      nobody: {},
      stranger: { authorization: 'Bearer st_nobody-has-this-token' },
    }
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** Makes the call over both transports and gives what both answered. */
  async function refusal(operation: Operation, input: Input, headers: RequestHeaders): Promise<Answer> {
    const [rpc, rest] = [
      await callRpc(server, operation, input, headers),
      await callRest(server, operation, input, headers),
    ]
    expect(rest.answer).toEqual(rpc.answer)
    for (const { answer, wire } of [rpc, rest]) {
      const { code } = answer
      expect(wire).not.toMatch(INSIDE)
      if (!isErrorCode(code)) throw new Error(`not refused: ${wire}`)
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

    test('refuses what its input does not take', async () => {
      for (const { what, input, code } of badInputs(operation, example)) {
        const answer = await refusal(operation, input, callerOf(operation)).catch((error: unknown) => {
          throw new Error(`${what}: ${JSON.stringify(input).slice(0, 300)}`, { cause: error })
        })
        if (code) expect(answer.code, `${what}: ${JSON.stringify(input).slice(0, 300)}`).toBe(code)
      }
    })

    test('refuses what the server alone decides, by its name, wherever it is put', async () => {
      for (const { input, named } of decidedHere(operation, example)) {
        const { code, issues } = await refusal(operation, input, callerOf(operation))
        expect({ code, paths: issues.map(({ path }) => path) }).toEqual({
          code: 'INVALID_INPUT',
          paths: named,
        })
      }
    })

    test('refuses who may not call it', async () => {
      expect((await refusal(operation, example, callers.stranger)).code).toBe('UNAUTHENTICATED')
      if (entry.access !== 'anyone') {
        expect((await refusal(operation, example, callers.nobody)).code).toBe('UNAUTHENTICATED')
      }
      if (entry.access === 'actor') {
        expect((await refusal(operation, example, callers.key)).code).toBe('ACTOR_REQUIRED')
      }
      if (entry.access === 'admin') {
        // The key of an admin's own back end is, while it acts for somebody, no more than they are.
        expect((await refusal(operation, example, callers.alice)).code).toBe('FORBIDDEN')
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
/** What a query or a path can hold is text. */
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

/** What other servers have taken from a caller, besides what ours tells. */
const DECIDED_ELSEWHERE = ['isAdmin', 'passwordHash', 'tokenHash', 'userId', 'actor', 'is_admin', 'sender_id']
const DECIDED = [
  ...new Set([...operations.flatMap(({ entry }) => outputFields(entry)), ...DECIDED_ELSEWHERE]),
]
/** As many as an answer tells of. */
const NAMED_AT_ONCE = 20

/** Calls that would do, were there not what the operation does not take: in the whole, and in each object in it. */
function decidedHere(operation: Operation, example: Input): { input: Input; named: string[] }[] {
  const objects = [
    { path: [] as string[], fields: operation.fields, own: example },
    ...objectsIn(operation).map((object) => ({ ...object, own: fitting(object.fields) })),
  ]
  return objects.flatMap(({ path, fields, own }) =>
    inParts(
      DECIDED.filter((name) => !(name in fields)),
      NAMED_AT_ONCE,
    ).map((names) => {
      const object = { ...own, ...Object.fromEntries(names.map((name) => [name, '1'])) }
      return {
        input: path.length === 0 ? object : setAt(example, path, object),
        named: names.map((name) => [...path, name].join('.')),
      }
    }),
  )
}

/** The fields of an input that hold fields themselves. What a query holds is flat. */
function objectsIn({ fields, rest }: Operation): { path: string[]; fields: Operation['fields'] }[] {
  return Object.entries(fields).flatMap(([name, schema]) => {
    const inner = fieldsOf(schema)
    return rest === 'body' && Object.keys(inner).length > 0 ? [{ path: [name], fields: inner }] : []
  })
}

/** An object that has of each field what it takes, where that is a text and not a choice of few. */
function fitting(fields: Operation['fields']): Input {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, schema]) => {
      const sample = sampleOf(schema)
      return sample === undefined ? [] : [[name, sample]]
    }),
  )
}

function inParts<Item>(items: readonly Item[], length: number): Item[][] {
  const count = Math.ceil(items.length / length)
  return Array.from({ length: count }, (_, part) => items.slice(part * length, (part + 1) * length))
}

function badInputs(operation: Operation, example: Input): BadCall[] {
  const { entry, fields, pathFields } = operation
  const isText = (name: string) => operation.rest === 'query' || pathFields.includes(name)
  const refused = (what: string, input: Input): BadCall[] =>
    entry.input.safeParse(input).success ? [] : [{ what, input, code: 'INVALID_INPUT' }]

  const unknownField = [
    { what: 'an unknown field', input: { ...example, surprise: '1' }, code: 'INVALID_INPUT' as const },
  ]
  const wrongValues = Object.keys(fields).flatMap((name) =>
    (isText(name) ? WRONG_TEXTS : WRONG_VALUES)
      // An empty part of a path is another path.
      .filter((value) => !(pathFields.includes(name) && value === ''))
      .flatMap((value) => refused(`a wrong ${name}`, typed(operation, { ...example, [name]: value }))),
  )
  const missing = Object.keys(example)
    .filter((name) => !pathFields.includes(name))
    .flatMap((name) => refused(`no ${name}`, omit(example, name)))
  const nul = stringPaths(fields).flatMap(({ path, sample }) =>
    refused(`NUL in ${path.join('.')}`, setAt(example, path, `${sample}\0`)),
  )
  const surrogates = stringPaths(fields)
    .filter(({ path: [name = ''] }) => !isText(name))
    .flatMap(({ path, sample }) =>
      refused(`half a surrogate pair in ${path.join('.')}`, setAt(example, path, `${sample}\ud83d`)),
    )
  const garbage = pathFields.flatMap((name) =>
    (name === 'emoji' ? [] : GARBAGE_IDS).map((value) => ({
      what: `garbage for ${name}`,
      input: { ...example, [name]: value },
    })),
  )
  return [...unknownField, ...wrongValues, ...missing, ...nul, ...surrogates, ...garbage]
}

/** A query's numbers, booleans and lists as RPC takes them, where the text is plainly one. */
function typed({ rest, fields }: Operation, input: Input): Input {
  if (rest === 'body') return input
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => {
      if (typeof value !== 'string' || !(name in fields)) return [name, value]
      // What takes a list of names takes one in a list.
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

/** A string that the field takes, if it takes strings. */
function sampleOf(schema: Operation['fields'][string] | undefined): string | undefined {
  return SAMPLES.find((text) => schema?.safeParse(text).success)
}

/** Where an input holds strings, nested ones too, each with a value that would do. */
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
