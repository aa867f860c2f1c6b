import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { ServiceKeyTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { TimePosition } from './inbox.ts'
import type { Use } from './sessions.ts'
import { isUuid } from './users.ts'

export type ServiceKeyRow = Omit<ServiceKeyTable, 'key_hash'>

const keyColumns = ['id', 'name', 'scopes', 'created_at', 'expires_at', 'last_used_at', 'revoked_at'] as const

const keyByHash = statement((db, p: { keyHash: string }) =>
  db
    .selectFrom('service_keys')
    .select(keyColumns)
    .where('key_hash', '=', p.keyHash)
    .where('revoked_at', 'is', null),
)

/** A key by its hash, unless revoked. It may have expired. */
export async function findByHash(db: Executor, keyHash: string): Promise<ServiceKeyRow | undefined> {
  const [row] = await keyByHash(db, { keyHash })
  return row
}

/** A key by its id, even if revoked. */
export async function find(db: Executor, id: string): Promise<ServiceKeyRow | undefined> {
  if (!isUuid(id)) return undefined
  return db.selectFrom('service_keys').select(keyColumns).where('id', '=', id).executeTakeFirst()
}

export interface NewServiceKey {
  id: string
  name: string
  keyHash: string
  scopes: readonly string[]
  createdAt: Date
  expiresAt: Date | null
}

export async function insert(db: Executor, key: NewServiceKey): Promise<void> {
  await db
    .insertInto('service_keys')
    .values({
      id: key.id,
      name: key.name,
      key_hash: key.keyHash,
      scopes: key.scopes.join(' '),
      created_at: key.createdAt,
      expires_at: key.expiresAt,
      last_used_at: null,
      revoked_at: null,
    })
    .execute()
}

/** @returns false if the key was already revoked. */
export async function revoke(db: Executor, id: string, at: Date): Promise<boolean> {
  const revoked = await db
    .updateTable('service_keys')
    .set({ revoked_at: at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return revoked !== undefined
}

const setLastUsed = statement((db, p: { ids: IdList } & Use) =>
  db
    .updateTable('service_keys')
    .set({ last_used_at: p.at })
    .where((eb) => inList(db, eb, 'service_keys.id', p.ids))
    .where((eb) =>
      eb.or([
        eb('last_used_at', 'is', null),
        eb('last_used_at', '<=', p.unlessAfter),
        eb('last_used_at', '>', p.latest),
      ]),
    ),
)

/** Records that these keys were used, unless a use after `unlessAfter` is recorded already. */
export async function markUsed(db: Executor, ids: readonly string[], use: Use): Promise<void> {
  await setLastUsed(db, { ids: idList(db, ids), ...use })
}

const keyPage = statement((db, p: { beforeAt: Date; beforeId: string; limit: number }) =>
  db
    .selectFrom('service_keys')
    .select(keyColumns)
    .where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(p.beforeAt, p.beforeId)))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(p.limit),
)

/** All keys, including revoked ones, newest first. */
export async function list(db: Executor, before: TimePosition, limit: number): Promise<ServiceKeyRow[]> {
  return keyPage(db, { beforeAt: before.at, beforeId: before.id, limit })
}

const liveKeys = statement((db, p: { ids: IdList; now: Date }) =>
  db
    .selectFrom('service_keys')
    .select('id')
    .where((eb) => inList(db, eb, 'service_keys.id', p.ids))
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', p.now)])),
)

/** The ids of the valid keys among these. */
export async function findLive(db: Executor, ids: readonly string[], now: Date): Promise<string[]> {
  if (ids.length === 0) return []
  return (await liveKeys(db, { ids: idList(db, ids), now })).map((row) => row.id)
}
