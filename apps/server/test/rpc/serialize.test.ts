import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import { serialize } from '../../src/rpc/serialize.ts'

const values: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  text: 'x',
  'a date': new Date(1),
  'a list of dates': [new Date(2), null, new Date(3)],
  'dates at every depth': {
    at: new Date(4),
    in: { at: new Date(5), list: [{ at: new Date(6) }] },
    end: null,
  },
  'keys with dots and backslashes': { 'a.b': new Date(7), 'c\\d': { 'e.f': new Date(8) } },
  'no dates': { items: [], nextCursor: null },
}

describe('outputs are serialized like superjson', () => {
  test.each(Object.entries(values))('%s', (_name, value) => {
    expect(JSON.stringify(serialize(value))).toBe(JSON.stringify(superjson.serialize(value)))
  })

  test('undefined fields are omitted', () => {
    const wire = JSON.parse(JSON.stringify(serialize({ email: undefined, at: new Date(9) })))
    expect(superjson.deserialize(wire)).toEqual({ at: new Date(9) })
  })
})
