import { contract, type Procedure } from '@sotto/contract'
import { z } from 'zod'

/** How a field's text in a path or a query is read; the schema then judges what comes out. */
export type FieldDecoder = (text: string) => unknown

/** One entry of the contract with what a transport needs to know of it. */
export interface Operation {
  /** `messages.send` */
  name: string
  entry: Procedure
  /** The fields that the path holds. */
  pathFields: readonly string[]
  /** The fields that are not strings; the rest of a path or query is taken as it is. */
  decoders: ReadonlyMap<string, FieldDecoder>
  hasBody: boolean
}

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH'])

/** Every operation of the contract, in its order. */
export const operations: readonly Operation[] = Object.entries(contract).flatMap(([resource, entries]) =>
  Object.entries<Procedure>(entries).map(([name, entry]) => ({
    name: `${resource}.${name}`,
    entry,
    pathFields: [...entry.http.path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field),
    decoders: decodersOf(entry.input),
    hasBody: WITH_BODY.has(entry.http.method),
  })),
)

/**
 * A schema as JSON Schema, for reading it: the schema itself is never changed, so that it means the same on
 * every transport.
 */
export function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === 'date')
        Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
      // A moment may come as text or, over RPC, as a Date. Over HTTP there is only the text.
      if (jsonSchema.format === 'date-time') {
        delete jsonSchema.anyOf
        delete jsonSchema.pattern
      }
    },
  })
}

function decodersOf(input: z.ZodType): Map<string, FieldDecoder> {
  const { properties = {} } = toJsonSchema(input, 'input') as {
    properties?: Record<string, { type?: string }>
  }
  const decoders = new Map<string, FieldDecoder>()
  for (const [name, { type }] of Object.entries(properties)) {
    if (type === 'integer' || type === 'number') decoders.set(name, decodeNumber)
    if (type === 'boolean') decoders.set(name, decodeBoolean)
    if (type === 'array') decoders.set(name, decodeList)
  }
  return decoders
}

/** Only what is plainly a whole number; the schema tells the rest what it takes. */
function decodeNumber(text: string): unknown {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text
}

function decodeBoolean(text: string): unknown {
  return text === 'true' ? true : text === 'false' ? false : text
}

function decodeList(text: string): unknown {
  return text.split(',')
}
