import { readFileSync } from 'node:fs'
import { ConfigError } from './config-error.ts'

const SUFFIX = '_FILE'

/** The given settings, and which of them come from a file. */
export interface GivenSettings {
  values: Record<string, string>
  fromFiles: ReadonlySet<string>
}

/**
 * Reads settings from the environment. `<name>_FILE` can name a file with the value instead, the way Docker and
 * Kubernetes provide secrets: other processes and `docker inspect` see the environment, but not the file. The trailing
 * newline is not part of the value. An empty variable counts as not set.
 *
 * @throws {ConfigError} if a file is unreadable or empty, or if both are set.
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
