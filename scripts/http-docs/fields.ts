import type { Procedure } from '@sotto/contract'
import { z } from 'zod'

/** The part of JSON Schema that the contract's inputs come out as. */
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
  place: string
  required: boolean
  schema: Schema
}

/** A table of what the operation takes; nothing when it takes nothing. */
export function fieldTable({ input }: Procedure, inPath: string[], hasBody: boolean): string[] {
  const schema = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as Schema
  const fields = fieldsOf(schema).map((field) => ({
    ...field,
    place: inPath.includes(field.name) ? 'path' : hasBody ? 'body' : 'query',
  }))
  if (fields.length === 0) return []
  // What the path holds comes first, as in the request.
  const sorted = fields.toSorted((a, b) => Number(b.place === 'path') - Number(a.place === 'path'))
  const rows = sorted.map(
    ({ name, place, required, schema: field }) =>
      `| \`${name}\` | ${place}${required && place !== 'path' ? ', required' : ''} | ${describe(field)} |`,
  )
  return [['| field | in the | takes |', '|---|---|---|', ...rows].join('\n')]
}

/** Fields of an object in an object go by `image.width`, as in the issues of an error. */
function fieldsOf({ properties = {}, required = [] }: Schema, prefix = ''): Omit<Field, 'place'>[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const field = { name: prefix + key, required: required.includes(key), schema }
    return [field, ...fieldsOf(schema, `${field.name}.`)]
  })
}

function describe(schema: Schema): string {
  const description = schema.description ?? schema.anyOf?.find((choice) => choice.description)?.description
  const takes = kindOf(schema) + (schema.default === undefined ? '' : `; ${schema.default} when left out`)
  return `${takes}.${description ? ` ${description}` : ''}`.replaceAll('|', '\\|')
}

function kindOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ')
  switch (schema.type) {
    case 'boolean':
      return '`true` or `false`'
    case 'integer': {
      const allowed = bounds(schema.minimum, schema.maximum)
      return allowed ? `whole number, ${allowed}` : 'whole number'
    }
    case 'array':
      return schema.minItems === schema.maxItems ? `${schema.minItems} values, as \`a,b\`` : 'list'
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
  if (format === 'email') return 'email address'
  if (format === 'date-time') return 'time with a zone, such as `2026-01-31T12:00:00.000Z`'
  if (pattern) return `text that matches \`${pattern}\``
  const length = bounds(minLength, maxLength)
  return (format === 'uri' ? 'http or https URL' : 'text') + (length ? ` of ${length} characters` : '')
}

function bounds(minimum: number | undefined, maximum: number | undefined): string | undefined {
  // zod gives every whole number the largest that JavaScript is exact to, which tells a reader nothing.
  const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
  if (minimum === undefined) return bounded ? `at most ${maximum}` : undefined
  return bounded ? `${minimum} to ${maximum}` : `${minimum} or more`
}
