import { migrateDatabase } from '../app/prepare-schema.ts'
import { readConfig } from '../settings/config.ts'

/** `sotto migrate`: brings the schema up to date. */
export async function migrate(): Promise<void> {
  const { location, applied, newer } = await migrateDatabase(readConfig())
  for (const name of applied) process.stdout.write(`applied ${name}\n`)
  if (newer.length > 0)
    process.stdout.write(`the schema is newer than this version, and compatible with it: ${location}\n`)
  else if (applied.length === 0) process.stdout.write(`the schema is up to date: ${location}\n`)
}
