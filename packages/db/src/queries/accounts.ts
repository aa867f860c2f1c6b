import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { Executor } from '../statement.ts'
import { statement } from '../statement.ts'

/* Service keys, found by their hash. */

const keyByHash = statement((db, p: { keyHash: string }) =>
  db
    .selectFrom('service_keys')
    .select(['id', 'name'])
    .where('key_hash', '=', p.keyHash)
    .where('revoked_at', 'is', null),
)

export interface ServiceKeyRow {
  id: string
  name: string
}

/** A key that is not revoked. */
export async function findServiceKey(db: Executor, keyHash: string): Promise<ServiceKeyRow | undefined> {
  const [row] = await keyByHash(db, { keyHash })
  return row
}

export interface NewServiceKey {
  id: string
  name: string
  keyHash: string
  at: Date
}

export async function insertServiceKey(db: Executor, key: NewServiceKey): Promise<void> {
  await db
    .insertInto('service_keys')
    .values({ id: key.id, name: key.name, key_hash: key.keyHash, created_at: key.at, revoked_at: null })
    .execute()
}

/** True when the key was valid until now. */
export async function revokeServiceKey(db: Executor, id: string, at: Date): Promise<boolean> {
  const revoked = await db
    .updateTable('service_keys')
    .set({ revoked_at: at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return revoked !== undefined
}

/** Every key that was ever made, oldest first, revoked ones too. */
export async function listServiceKeys(db: Executor) {
  return db
    .selectFrom('service_keys')
    .select(['id', 'name', 'created_at', 'revoked_at'])
    .orderBy('created_at')
    .execute()
}

const liveKeys = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('service_keys')
    .select('id')
    .where((eb) => inList(db, eb, 'service_keys.id', p.ids))
    .where('revoked_at', 'is', null),
)

/** Which of these keys are not revoked. */
export async function findLiveServiceKeys(db: Executor, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  return (await liveKeys(db, { ids: idList(db, ids) })).map((row) => row.id)
}
