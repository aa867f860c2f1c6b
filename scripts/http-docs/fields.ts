import type { Procedure } from '@sotto/contract'
import { z } from 'zod'

/** The subset of JSON Schema that the contract's inputs use. */
interface Schema {
  type?: string
  enum?: string[]
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  default?: unknown
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  anyOf?: Schema[]
}

interface Field {
  name: string
  location: string
  required: boolean
  schema: Schema
}

/** A table of the operation's input. Empty if it has none. */
export function fieldTable({ input }: Procedure, inPath: string[], hasBody: boolean): string[] {
  const schema = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as Schema
  const fields = fieldsOf(schema).map((field) => ({
    ...field,
    location: inPath.includes(field.name) ? 'path' : hasBody ? 'body' : 'query',
  }))
  if (fields.length === 0) return []
  // Path parameters come first, as in the request.
  const sorted = fields.toSorted((a, b) => Number(b.location === 'path') - Number(a.location === 'path'))
  const rows = sorted.map(
    ({ name, location, required, schema: field }) =>
      `| \`${name}\` | ${location}${required && location !== 'path' ? ', required' : ''} | ${describe(field)} |`,
  )
  return [['| field | in | description |', '|---|---|---|', ...rows].join('\n')]
}

/** Nested fields have paths such as `image.width`, as in the issues of an error. */
function fieldsOf({ properties = {}, required = [] }: Schema, prefix = ''): Omit<Field, 'location'>[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const field = { name: prefix + key, required: required.includes(key), schema }
    return [field, ...fieldsOf(schema, `${field.name}.`)]
  })
}

function describe(schema: Schema): string {
  const description = schema.description ?? schema.anyOf?.find((choice) => choice.description)?.description
  const takes = kindOf(schema) + (schema.default === undefined ? '' : `; default \`${schema.default}\``)
  return `${takes}.${description ? ` ${description}` : ''}`.replaceAll('|', '\\|')
}

function kindOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ')
  switch (schema.type) {
    case 'boolean':
      return '`true` or `false`'
    case 'integer': {
      const allowed = bounds(schema.minimum, schema.maximum)
      return allowed ? `integer, ${allowed}` : 'integer'
    }
    case 'array':
      return schema.minItems === schema.maxItems
        ? `${schema.minItems} values, separated by a comma or as repeated parameters`
        : 'array'
    case 'object':
      return 'object'
    case 'null':
      return '`null`'
    case 'string':
      return textOf(schema)
    default:
      return (schema.anyOf ?? []).map(kindOf).join(', or ')
  }
}

function textOf({ format, pattern, minLength, maxLength }: Schema): string {
  if (format === 'idn-email') return 'email address'
  if (format === 'date-time') return 'ISO 8601 time with a time zone, such as `2026-01-31T12:00:00.000Z`'
  if (pattern) return `string matching \`${pattern}\``
  const length = bounds(minLength, maxLength)
  return (format === 'uri' ? 'http or https URL' : 'string') + (length ? `, ${length} characters` : '')
}

function bounds(minimum: number | undefined, maximum: number | undefined): string | undefined {
  // zod gives every integer the maximum MAX_SAFE_INTEGER, which is not worth documenting.
  const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
  if (minimum === undefined) return bounded ? `at most ${maximum}` : undefined
  return bounded ? `${minimum} to ${maximum}` : `${minimum} or more`
}
