import { contract, type Procedure } from '@sotto/contract'
import type { z } from 'zod'

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

/** Those that answer once. What a stream hands over has tests of its own, in realtime/. */
export const calls = operations.filter(({ entry }) => entry.kind !== 'subscription')

/** The fields of an object's schema; none for any other, and for an optional one those of what it holds. */
export function fieldsOf(schema: z.ZodType): Record<string, z.ZodType> {
  const inner = 'unwrap' in schema ? (schema as z.ZodOptional<z.ZodType>).unwrap() : schema
  return 'shape' in inner ? (inner.shape as Record<string, z.ZodType>) : {}
}
