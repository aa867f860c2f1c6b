import { invalidInput, type ServiceKey, SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { type AuditOrigin, recordAudit } from '../audit/record-audit.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { hashSecret, newServiceKey } from './secrets.ts'

type Input = InputOf<'keys', 'create'>
export type NewKey = ServiceKey & { key: string }

/** A key can only grant scopes that it has itself. Otherwise `admin` would include all scopes. */
export async function createKey(ctx: AdminContext, input: Input): Promise<NewKey> {
  const { caller } = ctx
  const missing = caller.kind === 'key' ? input.scopes.filter((scope) => !caller.scopes.has(scope)) : []
  if (missing.length > 0) {
    throw new SottoError('FORBIDDEN', { detail: `missing required scope: ${missing.join(', ')}` })
  }
  return createServiceKey(ctx.app.db, ctx, input)
}

/** Adds a key, without access checks. The key is returned once and stored hashed. */
export async function createServiceKey(db: Executor, origin: AuditOrigin, input: Input): Promise<NewKey> {
  return db.transaction().execute((trx) => insertServiceKey(trx, origin, input))
}

/** Like createServiceKey, in the caller's transaction. */
export async function insertServiceKey(trx: Executor, origin: AuditOrigin, input: Input): Promise<NewKey> {
  const createdAt = origin.app.now()
  const expiresAt = input.expiresAt ?? null
  if (expiresAt && expiresAt <= createdAt) throw invalidInput('expiresAt', 'must be in the future')
  const key = newServiceKey()
  const { name, scopes } = input
  const row = { id: origin.app.newId(), name, scopes, createdAt, expiresAt }
  await store.serviceKeys.insert(trx, { ...row, keyHash: hashSecret(key) })
  await recordAudit(trx, origin, { action: 'key.created', subjectId: row.id })
  return { ...row, lastUsedAt: null, revokedAt: null, key }
}
