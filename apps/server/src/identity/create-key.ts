import { invalidInput, type ServiceKey, SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { type AuditOrigin, recordAudit } from '../audit/record-audit.ts'
import { requireScopes } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { hashSecret, newServiceKey } from './secrets.ts'

type Input = InputOf<'keys', 'create'>
export type NewKey = ServiceKey & { key: string }

/**
 * A caller can only grant scopes that it has itself. Otherwise `admin` would include all scopes. Admins have only
 * `admin`: with another scope they could read conversations without a record in the audit log.
 */
export async function createKey(ctx: AdminContext, input: Input): Promise<NewKey> {
  requireScopes(ctx, input.scopes)
  if (ctx.caller.kind === 'user' && input.scopes.some((scope) => scope !== 'admin')) {
    throw new SottoError('FORBIDDEN', {
      detail:
        'admins can only create keys with the scope admin: use a key, or sotto key create, for other scopes',
    })
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
