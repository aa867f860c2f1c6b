import { SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { type AuditOrigin, recordAudit } from '../audit/record-audit.ts'

export async function revokeKey(ctx: AdminContext, { keyId }: { keyId: string }): Promise<void> {
  const { db, identity } = ctx.app
  const key = await store.serviceKeys.find(db, keyId)
  if (!key) throw new SottoError('KEY_NOT_FOUND')
  await revokeServiceKey(db, ctx, key.id)
  identity.forgetKeys()
}

/** Revokes a key, without access checks. @returns false if it was already revoked. */
export async function revokeServiceKey(db: Executor, origin: AuditOrigin, id: string): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const isRevoked = await store.serviceKeys.revoke(trx, id, origin.app.now())
    if (isRevoked) await recordAudit(trx, origin, { action: 'key.revoked', subjectId: id })
    return isRevoked
  })
}
