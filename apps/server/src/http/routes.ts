import { externalIdIn } from '@sotto/contract'
import { z } from 'zod'
import { type Operation, operations } from '../app/operations.ts'

/** Decodes the text of a field in a path or query. The schema validates the result. */
export type FieldDecoder = (text: string) => unknown

/** An operation with the information needed to read its input from an HTTP request. */
export interface Route {
  operation: Operation
  /** The fields in the path. */
  pathFields: readonly string[]
  /** The decoders of fields that are not strings. Other fields of a path or query are used unchanged. */
  decoders: ReadonlyMap<string, FieldDecoder>
  /** The lists in the query. They are decoded by `decodeList`. */
  lists: ReadonlySet<string>
  hasBody: boolean
}

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH'])

/** The routes of every operation, in the contract's order. */
export const routes: readonly Route[] = operations.map((operation) => {
  const { http, input } = operation.entry
  const { decoders, lists } = decodersOf(input)
  return {
    operation,
    pathFields: [...http.path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field),
    decoders,
    lists,
    hasBody: WITH_BODY.has(http.method),
  }
})

/**
 * A schema as JSON Schema, for inspection. The schema itself is not modified: all transports validate with the same
 * schema.
 */
export function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === 'date')
        Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
      // Times are strings or, over RPC, Dates. Over HTTP they are always strings.
      if (jsonSchema.format === 'date-time') {
        delete jsonSchema.anyOf
        delete jsonSchema.pattern
      }
    },
  })
}

function decodersOf(input: z.ZodType): Pick<Route, 'decoders' | 'lists'> {
  const { properties = {} } = toJsonSchema(input, 'input') as {
    properties?: Record<string, { type?: string }>
  }
  const decoders = new Map<string, FieldDecoder>()
  const lists = new Set<string>()
  for (const [name, { type }] of Object.entries(properties)) {
    if (type === 'integer' || type === 'number') decoders.set(name, decodeNumber)
    if (type === 'boolean') decoders.set(name, decodeBoolean)
    if (type === 'array') lists.add(name)
  }
  return { decoders, lists }
}

/** Decodes only plain integers. The schema rejects everything else. */
function decodeNumber(text: string): unknown {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text
}

function decodeBoolean(text: string): unknown {
  return text === 'true' ? true : text === 'false' ? false : text
}

/**
 * Decodes a list from the query as it was sent: an encoded comma belongs to its item, because an external id may
 * contain one. In other items, which cannot contain commas, encoded ones separate items too.
 */
export function decodeList(encoded: string): string[] {
  return encoded.split(',').flatMap((item) => {
    const text = decodeURIComponent(item.replaceAll('+', ' '))
    return externalIdIn(text) === undefined ? text.split(',') : [text]
  })
}
