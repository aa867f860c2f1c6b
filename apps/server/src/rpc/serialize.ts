import type { SuperJSONResult } from 'superjson'
import { withWrittenDates } from '../lib/json-dates.ts'

/**
 * Writes what `superjson.serialize` writes for plain data with Dates, for a fraction of the cost.
 *
 * Outputs have passed their schema, so there is nothing else in them: no Map, no class, no cycle.
 *
 * @see https://github.com/flightcontrolhq/superjson for the format of the annotations
 */
export function serialize(value: unknown): SuperJSONResult {
  if (value === undefined) return { json: null, meta: { values: ['undefined'], v: 1 } }
  const dates: Record<string, ['Date']> = {}
  const json = withWrittenDates(value, (path) => {
    dates[path] = ['Date']
  })
  // What has no Dates any more, and never had anything but JSON besides.
  const plain = json as SuperJSONResult['json']
  if (value instanceof Date) return { json: plain, meta: { values: ['Date'], v: 1 } }
  return Object.keys(dates).length === 0 ? { json: plain } : { json: plain, meta: { values: dates, v: 1 } }
}
