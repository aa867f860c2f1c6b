import { invalidInput, SottoError } from '@sotto/contract'
import { store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { isBareKey, requireMayGrantAccess, requireSelfOrKey, sessionIdOf } from '../auth/access.ts'
import { holdAccount } from '../auth/held-account.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { requireNotDemoUser } from '../setup/demo.ts'
import { changePassword, hashNewPassword } from './password-change.ts'

/** Changes a password: the actor's own, with the current one, or any user's for a bare service key. */
export async function setPassword(
  ctx: CallerContext,
  { user: ref, currentPassword, newPassword }: InputOf<'passwords', 'set'>,
): Promise<void> {
  const user = await requireSelfOrKey(ctx, ref)
  const { app } = ctx
  const account = await store.accounts.find(app.db, user.id)
  requireMayGrantAccess(ctx, account?.role ?? 'user')
  const oldHash = await store.credentials.findPasswordHash(app.db, user.id)
  if (!isBareKey(ctx)) {
    await requireNotDemoUser(app.db, user.username)
    if (oldHash !== null) await requireCurrentPassword(ctx, user.id, oldHash, currentPassword)
  }
  const passwordHash = await hashNewPassword(app.identity.passwords, newPassword, 'newPassword')
  await app.db.transaction().execute(async (trx) => {
    const held = await holdAccount(trx, ctx, user.id)
    requireMayGrantAccess(ctx, held.role)
    // Another change was committed after this one began. Overwriting it would undo a reset.
    if (held.password_hash !== oldHash) throw passwordChanged(ctx)
    await changePassword(trx, user.id, {
      passwordHash,
      at: app.now(),
      keptSessionId: sessionIdOf(ctx),
    })
    if (ctx.caller.kind === 'key') {
      await recordAudit(trx, ctx, { action: 'user.password_set', subjectId: user.id })
    }
  })
  app.identity.forgetUsers()
}

function passwordChanged(ctx: CallerContext): SottoError {
  return isBareKey(ctx)
    ? new SottoError('UNAVAILABLE', { detail: 'the password was changed by another request: try again' })
    : invalidInput('currentPassword', 'is wrong')
}

async function requireCurrentPassword(
  ctx: CallerContext,
  userId: string,
  hash: string,
  currentPassword: string | undefined,
): Promise<void> {
  const { app } = ctx
  if (currentPassword === undefined) throw invalidInput('currentPassword', 'is required')
  await app.limits.chargeSignIn(userId, ctx)
  const { isCorrect } = await app.identity.passwords.verify(hash, currentPassword)
  if (!isCorrect) {
    throw invalidInput('currentPassword', 'is wrong')
  }
}
