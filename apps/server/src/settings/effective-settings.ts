import type { Setting } from '@sotto/contract'
import { z } from 'zod'
import { redactUrl } from '../lib/redact-url.ts'
import type { GivenSettings } from './setting-files.ts'

/** Which part of a setting must not be shown: all of it, or all of a URL except its address. */
export const confidential = z.registry<{ part: 'all' | 'all but the address' }>()

/** All effective settings with the source of each value, to show to admins. Contains nothing confidential. */
export function listEffectiveSettings(
  shape: Readonly<Record<string, z.ZodType>>,
  { values, fromFiles }: GivenSettings,
): Setting[] {
  return Object.entries(shape).map(([name, schema]) => {
    const given = values[name]
    const text = given ?? defaultOf(schema)
    const part = confidential.get(schema)?.part
    const source =
      given === undefined
        ? text === undefined
          ? 'unset'
          : 'default'
        : fromFiles.has(name)
          ? 'file'
          : 'environment'
    const isHidden = text === undefined || part === 'all'
    return {
      name,
      value: isHidden ? null : part === undefined ? text : redactUrl(text),
      source,
      secret: part === 'all',
    }
  })
}

/** The default value, as it would be written in the environment. */
function defaultOf(schema: z.ZodType): string | undefined {
  const hasDefault = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
  return hasDefault ? String(schema.def.defaultValue) : undefined
}
