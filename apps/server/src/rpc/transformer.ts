import { invalidInput } from '@sotto/contract'
import superjson, { type SuperJSONResult } from 'superjson'
import { requireFewFields } from '../lib/errors.ts'
import { serialize } from './serialize.ts'

/** The annotations that an input can need: every other type is one that no schema here takes. */
const ALLOWED = new Set<unknown>(['Date', 'undefined'])

/**
 * superjson on the wire, that lets inputs be Dates and undefined and nothing else.
 *
 * Its other annotations (Map, Set, RegExp, Error, references, …) make objects of a caller's choosing before any
 * schema has seen them.
 */
export const transformer = {
  input: { serialize: superjson.serialize, deserialize },
  output: { serialize, deserialize: superjson.deserialize },
}

function deserialize(payload: SuperJSONResult): unknown {
  const meta: unknown = payload?.meta
  if (meta !== undefined) requirePlain(meta)
  if (isRecord(payload?.json)) requireFewFields(payload.json)
  try {
    requireNoPrototype(payload)
    return superjson.deserialize(payload)
  } catch {
    throw invalidInput('', 'must be JSON, or superjson with Date and undefined')
  }
}

/** superjson would drop it, where every other field that is none is refused. */
function requireNoPrototype(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (Object.hasOwn(value, '__proto__')) refuse()
  for (const inner of Object.values(value)) requireNoPrototype(inner)
}

function requirePlain(meta: unknown): void {
  if (!isRecord(meta)) refuse()
  for (const [key, value] of Object.entries(meta)) {
    if (key === 'values') {
      requirePlainTree(value)
      // A whole input is fields; a Date would pass for one without any.
      if (Array.isArray(value) && value[0] === 'Date') refuse()
    }
    // A version number; anything else is referentialEqualities or unknown.
    else if (key !== 'v') refuse()
  }
}

/** A tree's leaves are [type], its inner nodes records, or [type, record]. */
function requirePlainTree(node: unknown): void {
  if (Array.isArray(node)) {
    if (node.length !== 1 || !ALLOWED.has(node[0])) refuse()
  } else if (isRecord(node)) {
    for (const child of Object.values(node)) requirePlainTree(child)
  } else {
    refuse()
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(): never {
  throw invalidInput('', 'superjson annotations must be Date or undefined')
}
