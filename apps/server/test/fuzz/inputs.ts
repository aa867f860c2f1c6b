import type { Operation } from '@sotto/testing/internal'
import fc from 'fast-check'
import { z } from 'zod'

/*
 * Inputs for an operation, derived from its schema: valid ones, and valid ones with changes that may make them invalid.
 */

interface JsonSchema {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema | false
  prefixItems?: JsonSchema[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  maxItems?: number
  format?: string
}

/** Names and ids of existing resources, by the field that refers to them. */
export type Names = Readonly<Record<string, readonly string[]>>

const LONG = 'x'.repeat(20_000)

/** Text that typically breaks software. */
const nastyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\ud800',
    'a\u0000b',
    '\u202e\u2066',
    '__proto__',
    'constructor',
    "'; drop table users; --",
    '%00',
    '%',
    '_',
    '../../etc/passwd',
    '<script>alert(1)</script>',
    '{{7*7}}',
    'null',
    'NaN',
    '1e309',
    '-1',
    '9'.repeat(400),
    '👩‍👩‍👧‍👦',
    'ﷺ',
    'İ',
    'http://[::1]:1',
    'javascript:alert(1)',
    '2026-13-45T99:99:99Z',
    '00000000-0000-0000-0000-000000000000',
    LONG,
  ),
)

const nastyNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, 2 ** 53 + 2),
)

function deep(levels: number): unknown {
  let value: unknown = 'x'
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value }
  return value
}

/** Values that a field does not expect. */
const nasty: fc.Arbitrary<unknown> = fc.oneof(
  nastyText,
  nastyNumber,
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], { $ne: null }, { length: 5 }),
  fc.constant(Array.from({ length: 5_000 }, (_, n) => n)),
  fc.integer({ min: 1, max: 300 }).map(deep),
  fc.jsonValue({ maxDepth: 3 }),
  // `__proto__` as an own key, which JSON can contain but an assignment cannot create.
  fc.constant(JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')),
)

function validValue(schema: JsonSchema, field: string, names: Names): fc.Arbitrary<unknown> {
  const known = names[field]
  if (known) return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...known) }, nastyText)
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const variants = schema.anyOf ?? schema.oneOf
  if (variants) return fc.oneof(...variants.map((variant) => validValue(variant, field, names)))
  switch ([schema.type].flat()[0]) {
    case 'object':
      return objectOf(schema, names)
    case 'array':
      if (schema.prefixItems)
        return fc.tuple(...schema.prefixItems.map((item) => validValue(item, field, names)))
      return fc.array(validValue(schema.items || {}, field, names), {
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      })
    case 'integer':
    case 'number':
      return fc.integer({
        min: Math.max(schema.minimum ?? 0, -1_000),
        max: Math.min(schema.maximum ?? 1_000, 1_000),
      })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
      return textOf(schema)
    default:
      return fc.jsonValue({ maxDepth: 1 })
  }
}

function textOf({ format, minLength = 0, maxLength = 100 }: JsonSchema): fc.Arbitrary<string> {
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
  if (format === 'uri') return fc.webUrl()
  if (format === 'idn-email') return fc.emailAddress()
  const long = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, 100)) }
  return fc.oneof(fc.string(long), fc.string({ ...long, unit: 'grapheme' }))
}

function objectOf(schema: JsonSchema, names: Names): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(schema.properties ?? {}).map(
    ([name, own]) => [name, validValue(own, name, names)] as const,
  )
  return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] })
}

/** Inputs for the operation. Half are valid according to its schema. The others have one to three changed fields. */
export function inputsOf({ entry, fields }: Operation, names: Names): fc.Arbitrary<Record<string, unknown>> {
  const schema = z.toJSONSchema(entry.input, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const valid = objectOf(schema, names)
  const example = fc.constant({ ...(entry.example.input as Record<string, unknown>) })
  const base = fc.oneof({ weight: 3, arbitrary: valid }, { weight: 1, arbitrary: example })
  const field = fc.constantFrom(...Object.keys(fields), 'id', 'seq', '__proto__', 'role', 'surprise')
  const broken = fc
    .tuple(base, fc.array(fc.tuple(field, nasty), { minLength: 1, maxLength: 3 }))
    .map(([input, changes]) => {
      const changed = { ...input }
      for (const [name, value] of changes) {
        Object.defineProperty(changed, name, { value, enumerable: true, configurable: true, writable: true })
      }
      return changed
    })
  return fc.oneof(base, broken)
}
