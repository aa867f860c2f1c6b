import { migrateDatabase } from '../app/prepare-schema.ts'
import { readConfig } from '../settings/config.ts'
import type { Io } from './io.ts'

/** `sotto migrate`: applies pending migrations. */
export async function migrate(io: Io): Promise<void> {
  const { location, applied, newer } = await migrateDatabase(readConfig(io.env))
  for (const name of applied) io.stdout.write(`applied ${name}\n`)
  if (newer.length > 0)
    io.stdout.write(`the schema is newer than this version, and compatible with it: ${location}\n`)
  else if (applied.length === 0) io.stdout.write(`the schema is up to date: ${location}\n`)
}
