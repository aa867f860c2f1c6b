import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig, settingNames } from '../src/settings/config.ts'

/** Names of settings that are secrets, and of settings whose value can contain one. */
const CONFIDENTIAL = /SECRET$|SERVICE_KEY|HEADERS|PASSWORD|TOKEN/
const MAY_HOLD_SECRETS = /_URL$|ENDPOINT/

const SECRETS = {
  SOTTO_SERVICE_KEY: 'sk_nobody-may-see-this',
  SOTTO_SECRET: 'nobody-may-see-this-secret-of-the-box',
  SOTTO_JWT_SECRET: 'nobody-may-see-this-secret-of-tokens',
}

function settingsFor(env: NodeJS.ProcessEnv) {
  return Object.fromEntries(readConfig(env).settings.map(({ name, ...rest }) => [name, rest]))
}

test('docs/settings.md lists exactly the settings that exist', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../../docs/settings.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const documented = rows.flatMap((row) => row.split(' | ')[0]?.match(/[A-Z][A-Z_]+/g) ?? [])
  expect(documented.sort()).toEqual([...settingNames].sort())
})

test('every setting is listed with its value and source', () => {
  const settings = settingsFor({ SOTTO_SIGNUP: 'open', SOTTO_LIMIT_SENDS: '5/10s', PORT: '' })
  expect(Object.keys(settings).sort()).toEqual([...settingNames].sort())
  expect(settings).toMatchObject({
    SOTTO_SIGNUP: { value: 'open', source: 'environment' },
    SOTTO_LIMIT_SENDS: { value: '5/10s', source: 'environment' },
    SOTTO_LIMIT_READS: { value: '600/10s', source: 'default' },
    PORT: { value: '1337', source: 'default' },
    SOTTO_MESSAGE_RETENTION_DAYS: { value: 'off', source: 'default' },
    METRICS_PORT: { value: null, source: 'unset' },
    SOTTO_SECRET: { value: null, source: 'unset', secret: true },
  })
})

test('a value from a file has the source "file"', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sotto-settings-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'signup')
  writeFileSync(file, 'invitation\n')
  expect(settingsFor({ SOTTO_SIGNUP_FILE: file }).SOTTO_SIGNUP).toEqual({
    value: 'invitation',
    source: 'file',
    secret: false,
  })
})

test('every setting named like a secret is treated as one, including future settings', () => {
  const secrets = readConfig({}).settings.filter(({ secret }) => secret)
  expect(secrets.map(({ name }) => name)).toEqual(settingNames.filter((name) => CONFIDENTIAL.test(name)))
  const url = 'https://user:hidden@localhost/path?token=hidden#hidden'
  for (const name of settingNames.filter((setting) => MAY_HOLD_SECRETS.test(setting))) {
    const own = url.replace(
      'https',
      /DATABASE/.test(name) ? 'postgres' : /REDIS/.test(name) ? 'rediss' : 'https',
    )
    const database = { DATABASE_URL: 'postgres://localhost/sotto' }
    const value = settingsFor({ ...database, [name]: own })[name]?.value
    expect(value, name).toMatch(/^\w+:\/\/localhost\/path$/)
  }
})

test('listed settings contain no secrets, wherever these occur', () => {
  const settings = settingsFor({
    ...SECRETS,
    DATABASE_URL: 'postgres://sotto:hidden@db.internal:5432/sotto?password=hidden&sslmode=require',
    DATABASE_DIRECT_URL: 'postgresql://sotto:hid%64en@db.internal/sotto#hidden',
    DATABASE_REPLICA_URL: 'postgres:///sotto?host=/run/pg&password=hidden',
    REDIS_URL: 'redis://:hidden@cache.internal:6379/0',
  })
  for (const name of Object.keys(SECRETS)) {
    expect(settings[name]).toEqual({ value: null, source: 'environment', secret: true })
  }
  expect(settings.DATABASE_URL?.value).toBe('postgres://db.internal:5432/sotto')
  expect(settings.REDIS_URL?.value).toBe('redis://cache.internal:6379/0')
  expect(JSON.stringify(settings)).not.toMatch(/hid(%64|d)en|nobody-may-see-this/)
  expect(settingsFor({ DATABASE_URL: 'file:./data/sotto.db' }).DATABASE_URL?.value).toBe(
    'file:./data/sotto.db',
  )
})
