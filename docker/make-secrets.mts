import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/*
 * Creates the missing secrets of compose.yaml, each in its own file. Runs in the image before any other service starts.
 * Prints only the service key, once, when it is created.
 */

const directory = '/run/sotto'
/** Readable only by the server, whose user runs this script. */
const OWN = 0o400
/** For PostgreSQL and Valkey, which run as other users and can read nothing else here. */
const SHARED = 0o444

function secretFile(name: string, mode: number, make: () => string): string {
  const file = path.join(directory, name)
  if (!existsSync(file)) {
    // Written atomically.
    writeFileSync(`${file}.new`, `${make()}\n`, { mode })
    renameSync(`${file}.new`, file)
  }
  return readFileSync(file, 'utf8').trim()
}

/** 256 bits, in characters that need no quoting in a URL. */
function random(): string {
  return randomBytes(32).toString('base64url')
}

const postgresPassword = secretFile('postgres_password', SHARED, random)
secretFile('database_url', OWN, () => {
  return `postgres://sotto:${encodeURIComponent(postgresPassword)}@postgres:5432/sotto`
})
const valkeySettings = secretFile('valkey.conf', SHARED, () => `requirepass ${random()}`)
secretFile('redis_url', OWN, () => {
  const [, password = ''] = /^requirepass (\S+)$/m.exec(valkeySettings) ?? []
  return `redis://:${encodeURIComponent(password)}@valkey:6379`
})
secretFile('secret', OWN, random)
secretFile('service_key', OWN, () => {
  const key = `sk_${random()}`
  console.log(`Service key  ${key}\n(not shown again; it is in the secrets volume, as service_key)`)
  return key
})
