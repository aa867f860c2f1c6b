import { invalidInput } from '@sotto/contract'
import superjson, { type SuperJSONResult } from 'superjson'
import { requireFewFields } from '../lib/errors.ts'
import { serialize } from './serialize.ts'

/** The annotations that inputs need. No input schema accepts any other type. */
const ALLOWED = new Set<unknown>(['Date', 'undefined'])

/**
 * superjson, with inputs restricted to Date and undefined annotations.
 *
 * The other annotations (Map, Set, RegExp, Error, references, …) would let callers create arbitrary objects before
 * validation.
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

/** superjson would silently drop `__proto__`, but unknown fields must be rejected. */
function requireNoPrototype(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (Object.hasOwn(value, '__proto__')) reject()
  for (const inner of Object.values(value)) requireNoPrototype(inner)
}

function requirePlain(meta: unknown): void {
  if (!isRecord(meta)) reject()
  for (const [key, value] of Object.entries(meta)) {
    if (key === 'values') {
      requirePlainTree(value)
      // An input is an object. A Date would be accepted as one without fields.
      if (Array.isArray(value) && value[0] === 'Date') reject()
    }
    // `v` is a version number. Other keys are referentialEqualities or unknown.
    else if (key !== 'v') reject()
  }
}

/** In the tree of annotations, leaves are `[type]` and inner nodes are records or `[type, record]`. */
function requirePlainTree(node: unknown): void {
  if (Array.isArray(node)) {
    if (node.length !== 1 || !ALLOWED.has(node[0])) reject()
  } else if (isRecord(node)) {
    for (const child of Object.values(node)) requirePlainTree(child)
  } else {
    reject()
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function reject(): never {
  throw invalidInput('', 'superjson annotations must be Date or undefined')
}
