import type { Schema } from './openapi.ts'

interface BodyField {
  /** As issues name it: `image.width`. */
  path: string
  isRequired: boolean
  schema: Schema
}

/** The fields of a body, those of objects in it too. */
export function fieldsOf({ properties = {}, required = [] }: Schema, above = ''): BodyField[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${above}${name}`
    return [{ path, isRequired: required.includes(name), schema }, ...fieldsOf(schema, `${path}.`)]
  })
}

/** What a field takes, in words. */
export function describeType(schema: Schema): string {
  const { anyOf, format, pattern, type } = schema
  if (schema.enum) return schema.enum.map(String).join(', ')
  if (anyOf) return anyOf.map(describeType).join(', or ')
  if (format === 'date-time') return 'time with a zone'
  if (pattern !== undefined) return `text that matches ${pattern}`
  const kind =
    type === 'array' ? `list of ${schema.items ? describeType(schema.items) : 'values'}` : kinds[type ?? '']
  return [kind ?? type ?? 'anything', boundsOf(schema), defaultOf(schema)].filter(Boolean).join(', ')
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  boolean: 'true or false',
}

function boundsOf({ type, minLength, maxLength, minimum, maximum }: Schema): string | undefined {
  if (type !== 'string') return rangeOf(minimum, maximum)
  const range = rangeOf(minLength, maxLength)
  return range && `${range} characters`
}

function rangeOf(least: number | undefined, most: number | undefined): string | undefined {
  // What bounds every whole number in JavaScript tells a reader nothing.
  const isBounded = most !== undefined && most < Number.MAX_SAFE_INTEGER
  if (isBounded) return least === undefined ? `at most ${most}` : `${least} to ${most}`
  return least === undefined ? undefined : `${least} or more`
}

function defaultOf(schema: Schema): string | undefined {
  return schema.default === undefined ? undefined : `${String(schema.default)} when left out`
}
