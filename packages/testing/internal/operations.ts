import { contract, type Procedure } from '@sotto/contract'
import { z } from 'zod'

export interface Operation {
  /** `messages.send` */
  name: string
  entry: Procedure
  /** The input's fields by name. */
  fields: Record<string, z.ZodType>
  pathFields: readonly string[]
  /** Where REST puts the fields that are not in the path. */
  rest: 'query' | 'body'
}

/** Every operation of the contract. */
export const operations: readonly Operation[] = Object.entries(contract).flatMap(([resource, entries]) =>
  Object.entries<Procedure>(entries).map(([name, entry]) => ({
    name: `${resource}.${name}`,
    entry,
    fields: fieldsOf(entry.input),
    pathFields: [...entry.http.path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field),
    rest: entry.http.method === 'GET' || entry.http.method === 'DELETE' ? 'query' : 'body',
  })),
)

/** Operations that return a single response. The tests in realtime/ cover streams. */
export const calls = operations.filter(({ entry }) => entry.kind !== 'subscription')

/** The fields of an object schema, also if it is optional. Empty for other schemas. */
export function fieldsOf(schema: z.ZodType): Record<string, z.ZodType> {
  const inner = 'unwrap' in schema ? (schema as z.ZodOptional<z.ZodType>).unwrap() : schema
  return 'shape' in inner ? (inner.shape as Record<string, z.ZodType>) : {}
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>
  [keyword: string]: unknown
}

/** The names of all fields in an operation's output, including nested ones. */
export function outputFields({ output }: Procedure): string[] {
  const schema = z.toJSONSchema(output, { unrepresentable: 'any', reused: 'inline' })
  return [...namesIn(schema as JsonSchema)]
}

function namesIn(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set()
  const { properties = {} } = schema as JsonSchema
  const nested = Object.values(schema).flatMap((value) => [...namesIn(value)])
  // A field may have the name of a keyword, such as `items`.
  return new Set([...Object.keys(properties), ...nested])
}
