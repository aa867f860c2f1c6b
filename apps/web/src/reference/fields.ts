import type { Schema } from './openapi.ts'

interface BodyField {
  /** The path as in validation issues: `image.width`. */
  path: string
  isRequired: boolean
  schema: Schema
}

/** The fields of a body, including those of nested objects. */
export function fieldsOf({ properties = {}, required = [] }: Schema, prefix = ''): BodyField[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${prefix}${name}`
    return [{ path, isRequired: required.includes(name), schema }, ...fieldsOf(schema, `${path}.`)]
  })
}

/** Describes the values a field accepts. */
export function describeType(schema: Schema): string {
  const { anyOf, format, pattern, type } = schema
  if (schema.enum) return schema.enum.map(String).join(', ')
  if (anyOf) return anyOf.map(describeType).join(', or ')
  if (format === 'date-time') return 'date and time with time zone'
  if (pattern !== undefined) return `string matching ${pattern}`
  const kind =
    type === 'array' ? `array of ${schema.items ? describeType(schema.items) : 'values'}` : kinds[type ?? '']
  return [kind ?? type ?? 'any value', boundsOf(schema), defaultOf(schema)].filter(Boolean).join(', ')
}

const kinds: Readonly<Record<string, string>> = { boolean: 'true or false' }

function boundsOf({ type, minLength, maxLength, minimum, maximum }: Schema): string | undefined {
  if (type !== 'string') return rangeOf(minimum, maximum)
  const range = rangeOf(minLength, maxLength)
  return range && `${range} characters`
}

function rangeOf(min: number | undefined, max: number | undefined): string | undefined {
  // Every integer has this maximum, so it is not worth showing.
  const isBounded = max !== undefined && max < Number.MAX_SAFE_INTEGER
  if (isBounded) return min === undefined ? `at most ${max}` : `${min} to ${max}`
  return min === undefined ? undefined : `at least ${min}`
}

function defaultOf(schema: Schema): string | undefined {
  return schema.default === undefined ? undefined : `default ${String(schema.default)}`
}
