import type { SuperJSONResult } from 'superjson'
import { withIsoDates } from '../lib/json-dates.ts'

/**
 * Equivalent to `superjson.serialize` for plain data with Dates, at a fraction of the cost.
 *
 * Outputs have passed their schema, so they contain no other types: no Maps, classes or cycles.
 *
 * @see https://github.com/flightcontrolhq/superjson for the format of the annotations
 */
export function serialize(value: unknown): SuperJSONResult {
  if (value === undefined) return { json: null, meta: { values: ['undefined'], v: 1 } }
  const dates: Record<string, ['Date']> = {}
  const json = withIsoDates(value, (path) => {
    dates[path] = ['Date']
  })
  // Plain JSON now that the Dates are strings.
  const plain = json as SuperJSONResult['json']
  if (value instanceof Date) return { json: plain, meta: { values: ['Date'], v: 1 } }
  return Object.keys(dates).length === 0 ? { json: plain } : { json: plain, meta: { values: dates, v: 1 } }
}
