import { insertServiceKey, listServiceKeys, revokeServiceKey } from '@sotto/db'
import { hashSecret, newServiceKey } from '../identity/secrets.ts'
import { CommandError } from './command-error.ts'
import { openApp } from './open-app.ts'

const MAX_NAME_LENGTH = 128

/** `sotto key create`: the key goes to standard output alone, so that a script can capture it. */
export async function createKey(name: string): Promise<void> {
  if (name.trim() === '' || name.length > MAX_NAME_LENGTH || /\p{Cc}/u.test(name)) {
    throw new CommandError(`--name takes 1 to ${MAX_NAME_LENGTH} printable characters`)
  }
  await using opened = await openApp()
  const { db, newId, now } = opened.app
  const id = newId()
  const key = newServiceKey()
  await db
    .transaction()
    .execute((trx) => insertServiceKey(trx, { id, name, keyHash: hashSecret(key), at: now() }))
  process.stdout.write(`${key}\n`)
  process.stderr.write(`${id}\n`)
}

/** `sotto key list` */
export async function listKeys(): Promise<void> {
  await using opened = await openApp()
  for (const key of await listServiceKeys(opened.app.db)) {
    const state = key.revoked_at ? 'revoked' : 'valid  '
    process.stdout.write(`${key.id}  ${state}  ${key.created_at.toISOString()}  ${key.name}\n`)
  }
}

/** `sotto key revoke` */
export async function revokeKey(id: string): Promise<void> {
  await using opened = await openApp()
  const { db, now } = opened.app
  const key = (await listServiceKeys(db)).find((one) => one.id === id.toLowerCase())
  if (!key) throw new CommandError(`there is no service key with the id ${id}; see sotto key list`)
  const revoked = await db.transaction().execute((trx) => revokeServiceKey(trx, key.id, now()))
  if (!revoked) throw new CommandError(`the service key ${key.id} was revoked already`)
}
