import { readFileSync } from 'node:fs'
import { ConfigError } from './config-error.ts'

const SUFFIX = '_FILE'

/** The settings as they are given, and which of them a file holds. */
export interface GivenSettings {
  values: Record<string, string>
  fromFiles: ReadonlySet<string>
}

/**
 * Takes settings out of the environment. Instead of any of them, `<name>_FILE` may name a file that holds its value,
 * which is how Docker and Kubernetes hand out secrets: other processes and `docker inspect` show the environment,
 * and not the file. The end of its last line is no part of the value. What is set to nothing counts as not set.
 *
 * @throws {ConfigError} for a file that cannot be read or holds nothing, and where both are set.
 */
export function readSettings(env: NodeJS.ProcessEnv, names: readonly string[]): GivenSettings {
  const values: Record<string, string> = {}
  const fromFiles = new Set<string>()
  for (const name of names) {
    const value = env[name]
    const file = env[name + SUFFIX]
    if (value) values[name] = value
    if (!file) continue
    if (value) {
      throw new ConfigError(`${name}${SUFFIX} cannot be set together with ${name}`)
    }
    values[name] = readSecret(name + SUFFIX, file)
    fromFiles.add(name)
  }
  return { values, fromFiles }
}

function readSecret(variable: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError(`${variable} must be a readable file: ${reason}`, { cause: error })
  }
  const value = text.replace(/\r?\n$/, '')
  if (value === '') throw new ConfigError(`${variable} must be a file that is not empty: ${file}`)
  return value
}
