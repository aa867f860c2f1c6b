import { contract } from '@sotto/contract'
import fc from 'fast-check'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { randomCases } from '../../../../scripts/test-scale.ts'
import { outputEncoder } from '../../src/lib/output-json.ts'
import { answerLine, bodyOf } from '../../src/rpc/answer.ts'

/** The values of an output's schema, each part of which is random. */
function valuesOf(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'date':
      return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 8 })
    case 'number':
      return fc.nat()
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'void':
      return fc.constant(undefined)
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries))
    case 'literal':
      return fc.constantFrom(...def.values)
    case 'nullable':
      return fc.option(valuesOf(def.innerType))
    case 'optional':
      return fc.option(valuesOf(def.innerType), { nil: undefined })
    case 'array':
      return fc.array(valuesOf(def.element), { maxLength: 3 })
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries(def.shape).map(([key, field]) => [key, valuesOf(field)])),
      )
    case 'union':
      return fc.oneof(...def.options.map(valuesOf))
    default:
      throw new TypeError(`no values for a schema of type ${def.type}`)
  }
}

function outputOf(encode: ReturnType<typeof outputEncoder>, value: unknown) {
  const dates: string[] = []
  return { json: encode(value, (path) => dates.push(path)), dates }
}

const outputs = Object.entries(contract).flatMap(([resource, entries]) =>
  Object.entries(entries)
    .filter(([, { kind }]) => kind !== 'subscription')
    .map(([name, { output }]) => [`${resource}.${name}`, output as z.ZodType] as const),
)

describe('any output', () => {
  test.each(outputs)('of %s is decoded by superjson as it was', (_, schema) => {
    const encode = outputEncoder(schema)
    fc.assert(
      fc.property(valuesOf(schema), (value) => {
        // Random texts do not have the form of ids and URLs.
        const parsed = schema.safeParse(value)
        fc.pre(parsed.success)
        const before = structuredClone(value)
        const output = outputOf(encode, value)
        expect(value).toEqual(before)
        const { result } = JSON.parse(bodyOf({ output }))
        expect(superjson.deserialize(result.data)).toEqual(parsed.data)
        expect(encode(value)).toBe(output.json)
        const line = superjson.deserialize(JSON.parse(answerLine({ output }, 0))) as [0, 0, [[typeof result]]]
        expect(line[2][0][0].result.data).toEqual(parsed.data)
        if (parsed.data !== undefined) expect(JSON.stringify(parsed.data)).toBe(output.json)
      }),
      randomCases(5),
    )
  })
})

test('fields that the schema does not have are left out', () => {
  expect(outputEncoder(z.object({ id: z.string() }))({ id: 'a', password: 'b' })).toBe('{"id":"a"}')
})

test('a value that does not match the schema is refused', () => {
  expect(() => outputEncoder(z.object({ at: z.date() }))({ at: 'yesterday' })).toThrow(z.ZodError)
})
