import type { SuperJSONResult } from 'superjson'

/**
 * Writes what `superjson.serialize` writes for plain data with Dates, without copying it: a page of messages
 * costs a fourth. Dates stay in the tree, since JSON.stringify, which comes next, writes them as superjson does.
 *
 * Outputs have passed their schema, so there is nothing else in them: no Map, no class, no cycle.
 *
 * @see https://github.com/flightcontrolhq/superjson for the format of the annotations
 */
export function serialize(value: unknown): SuperJSONResult {
  if (value === undefined) return { json: null, meta: { values: ['undefined'], v: 1 } }
  if (value instanceof Date) return annotated(value, ['Date'])
  const dates: Record<string, ['Date']> = {}
  noteDates(value, '', dates)
  // superjson's type of JSON has no Date in it, because superjson has written it out at this point.
  return Object.keys(dates).length === 0 ? { json: value as never } : annotated(value, dates)
}

function annotated(value: unknown, values: ['Date'] | Record<string, ['Date']>): SuperJSONResult {
  return { json: value as never, meta: { values, v: 1 } }
}

function noteDates(value: unknown, prefix: string, dates: Record<string, ['Date']>): void {
  if (typeof value !== 'object' || value === null) return
  for (const key in value) {
    const inner: unknown = value[key as keyof typeof value]
    if (typeof inner !== 'object' || inner === null) continue
    const path = prefix + escapeKey(key)
    if (inner instanceof Date) dates[path] = ['Date']
    else noteDates(inner, `${path}.`, dates)
  }
}

/** A path's keys are joined by dots. */
function escapeKey(key: string): string {
  return key.includes('.') || key.includes('\\') ? key.replaceAll('\\', '\\\\').replaceAll('.', '\\.') : key
}
