import { readConfig } from '../config.ts'
import { migrateDatabase } from '../schema.ts'

/** `sotto migrate`: brings the schema up to date. */
export async function migrate(): Promise<void> {
  const { location, applied } = await migrateDatabase(readConfig())
  for (const name of applied) process.stdout.write(`applied ${name}\n`)
  if (applied.length === 0) process.stdout.write(`the schema is current: ${location}\n`)
}
