import type { z } from 'zod'
import { toIso } from './json-dates.ts'

/** Called with the path of each Date: keys joined by dots. */
type OnDate = (path: string) => void

/** Returns the value with its Dates as ISO strings, and changes the objects and arrays in it. */
type ReplaceDates = (value: unknown, onDate: OnDate | undefined, path: string) => unknown

/** Returns an operation's output as JSON; undefined for an output of undefined. */
type OutputEncoder = (output: unknown, onDate?: OnDate) => string | undefined

/**
 * Compiles an encoder of values of a schema. It validates a value, leaves out fields that the schema does not have, and
 * writes Dates as ISO strings. It looks for Dates only where the schema has them: a search through the whole value takes
 * longer than its validation.
 */
export function outputEncoder(schema: z.ZodType): OutputEncoder {
  const replaceDates = datesOf(schema)
  return (output, onDate) => {
    // A copy: the dates in it can be replaced.
    const copy = schema.parse(output)
    return JSON.stringify(replaceDates ? replaceDates(copy, onDate, '') : copy)
  }
}

/** Undefined if values of the schema have no Dates. */
function datesOf(schema: z.core.$ZodType): ReplaceDates | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'date':
      return (value, onDate, path) => {
        onDate?.(path)
        return toIso(value as Date)
      }
    case 'nullable':
    case 'optional':
      return unlessMissing(datesOf(def.innerType))
    case 'array':
      return inArray(datesOf(def.element))
    case 'object':
      return inObject(Object.entries(def.shape).map(([key, field]) => [key, datesOf(field)]))
    case 'union':
      return inUnion(def)
    default:
      if (!WITHOUT_DATES.has(def.type))
        throw new TypeError(`outputs cannot contain a schema of type ${def.type}`)
      return undefined
  }
}

const WITHOUT_DATES: ReadonlySet<string> = new Set([
  'boolean',
  'enum',
  'literal',
  'null',
  'number',
  'string',
  'void',
])

function unlessMissing(replace: ReplaceDates | undefined): ReplaceDates | undefined {
  return replace && ((value, onDate, path) => value && replace(value, onDate, path))
}

function inArray(replace: ReplaceDates | undefined): ReplaceDates | undefined {
  if (!replace) return undefined
  return (value, onDate, path) => {
    const list = value as unknown[]
    const prefix = path === '' ? '' : `${path}.`
    for (let index = 0; index < list.length; index++) {
      list[index] = replace(list[index], onDate, onDate ? prefix + index : '')
    }
    return list
  }
}

function inObject(fields: readonly [string, ReplaceDates | undefined][]): ReplaceDates | undefined {
  const withDates = fields.flatMap(([key, replace]) => (replace ? [{ key, replace }] : []))
  if (withDates.length === 0) return undefined
  return (value, onDate, path) => {
    const record = value as Record<string, unknown>
    const prefix = path === '' ? '' : `${path}.`
    for (const { key, replace } of withDates) {
      const inner = record[key]
      if (inner) record[key] = replace(inner, onDate, onDate ? prefix + key : '')
    }
    return record
  }
}

/** Unions in outputs must be discriminated by a literal field. */
function inUnion(def: z.core.$ZodUnionDef): ReplaceDates | undefined {
  const { discriminator } = def as z.core.$ZodDiscriminatedUnionDef
  if (discriminator === undefined) throw new TypeError('unions in outputs must have a discriminator')
  const options = new Map(
    def.options.flatMap((option) => {
      const values = option._zod.propValues?.[discriminator] ?? []
      return [...values].map((value) => [value, datesOf(option)] as const)
    }),
  )
  return (value, onDate, path) => {
    const replace = options.get((value as Record<string, z.core.util.Primitive>)[discriminator])
    return replace ? replace(value, onDate, path) : value
  }
}
