import { type Executor, store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import type { Runtime } from '../app/runtime.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { requireUser } from '../auth/access.ts'
import { holdAccount } from '../auth/held-account.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { hashSecret, newSecret } from './secrets.ts'

/** How long a token is valid, in milliseconds. */
export const RESET_LIFETIME_MS = 60 * 60 * 1_000

interface IssuedReset {
  token: string
  expiresAt: Date
}

/** Creates a password reset token. It is returned once and stored hashed. */
export async function issuePasswordReset(
  ctx: AdminContext,
  { user: ref }: InputOf<'passwords', 'issueReset'>,
): Promise<IssuedReset> {
  const user = await requireUser(ctx, ref, 'user')
  return ctx.app.db.transaction().execute(async (trx) => {
    await holdAccount(trx, ctx, user.id)
    await recordAudit(trx, ctx, { action: 'user.password_reset_issued', subjectId: user.id })
    return makePasswordReset(trx, ctx.app, user.id)
  })
}

/** Like issuePasswordReset, without access checks and in the caller's transaction. */
export async function makePasswordReset(
  trx: Executor,
  { now }: Pick<Runtime, 'now'>,
  userId: string,
): Promise<IssuedReset> {
  const token = newSecret('pr')
  const createdAt = now()
  const expiresAt = new Date(createdAt.getTime() + RESET_LIFETIME_MS)
  await store.passwordResets.put(trx, { userId, tokenHash: hashSecret(token), createdAt, expiresAt })
  return { token, expiresAt }
}
