import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/*
 * Makes the secrets of compose.yaml, each in a file of its own, and leaves alone those that are there. It runs in
 * the image, before anything else is started. Only the service key is shown, once, when it is made.
 */

const directory = '/run/sotto'
/** For the server alone, as whose user this runs. */
const OWN = 0o400
/** For PostgreSQL and Valkey, which have users of their own and can read nothing else here. */
const SHARED = 0o444

function secretFile(name: string, mode: number, make: () => string): string {
  const file = path.join(directory, name)
  if (!existsSync(file)) {
    // It is there whole or not at all.
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
  console.log(`Service key  ${key}\n(shown this once; it is in the volume of the secrets, as service_key)`)
  return key
})
