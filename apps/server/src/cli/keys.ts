import { contract, keyScopes } from '@sotto/contract'
import { newest, type ServiceKeyRow, store } from '@sotto/db'
import { auditOriginOf } from '../audit/record-audit.ts'
import { createServiceKey } from '../identity/create-key.ts'
import { revokeServiceKey } from '../identity/revoke-key.ts'
import { readConfig } from '../settings/config.ts'
import { scopesOf } from '../views/keys.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'
import { openApp } from './open-app.ts'

interface NewKeyOptions {
  name: string
  /** Separated by commas. */
  scopes: string | undefined
  expires: string | undefined
}

const keyInput = contract.keys.create.input
/** The command-line options by input field. */
const optionNames: Record<string, string> = { name: '--name', scopes: '--scopes', expiresAt: '--expires' }

/** `sotto key create`: prints only the key to standard output, so that a script can capture it. */
export async function createKey(io: Io, { name, scopes, expires }: NewKeyOptions): Promise<void> {
  const parsed = keyInput.safeParse({
    name,
    scopes: scopes === undefined ? [...keyScopes] : scopes.split(','),
    expiresAt: expires,
  })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new CommandError(`${optionNames[String(issue?.path[0])]} ${issue?.message}`)
  }
  await using opened = await openApp(readConfig(io.env))
  const { app } = opened
  if (parsed.data.expiresAt && parsed.data.expiresAt <= app.now()) {
    throw new CommandError('--expires must be in the future')
  }
  const created = await createServiceKey(app.db, auditOriginOf('command', app), parsed.data)
  io.stdout.write(`${created.key}\n`)
  io.stderr.write(`${created.id}\n`)
}

const PAGE = 200

/** `sotto key list` */
export async function listKeys(io: Io): Promise<void> {
  await using opened = await openApp(readConfig(io.env))
  const { db, now } = opened.app
  let before = newest
  for (;;) {
    const rows = await store.serviceKeys.list(db, before, PAGE)
    for (const row of rows) io.stdout.write(`${describeKey(row, now())}\n`)
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return
    before = { at: last.created_at, id: last.id }
  }
}

function describeKey(key: ServiceKeyRow, now: Date): string {
  const state = key.revoked_at ? 'revoked' : key.expires_at && key.expires_at <= now ? 'expired' : 'valid  '
  const scopes = scopesOf(key).join(',').padEnd(keyScopes.join(',').length)
  return [
    key.id,
    state,
    scopes,
    timeOf(key.created_at),
    timeOf(key.expires_at),
    timeOf(key.last_used_at),
    key.name,
  ].join('  ')
}

const NO_TIME = '-'.padEnd('2026-01-31T12:00:00.000Z'.length)

function timeOf(time: Date | null): string {
  return time?.toISOString() ?? NO_TIME
}

/** `sotto key revoke` */
export async function revokeKey(io: Io, id: string): Promise<void> {
  await using opened = await openApp(readConfig(io.env))
  const { app } = opened
  const key = await store.serviceKeys.find(app.db, id.toLowerCase())
  if (!key) throw new CommandError(`no service key with the id ${id}; see sotto key list`)
  if (!(await revokeServiceKey(app.db, auditOriginOf('command', app), key.id))) {
    throw new CommandError(`service key ${key.id} is already revoked`)
  }
}
