import { invalidInput, SottoError } from '@sotto/contract'
import { store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { isBareKey, requireSelfOrKey, sessionIdOf } from '../auth/access.ts'
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
  if (isBareKey(ctx)) {
    await requireMayTakeOver(ctx, user.id)
  } else {
    await requireNotDemoUser(app.db, user.username)
    await requireCurrentPassword(ctx, user.id, currentPassword)
  }
  const passwordHash = await hashNewPassword(app.identity.passwords, newPassword, 'newPassword')
  await app.db.transaction().execute(async (trx) => {
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

/** Setting an admin's password amounts to admin access, so it requires the scope. */
async function requireMayTakeOver({ app, caller }: CallerContext, userId: string): Promise<void> {
  const account = await store.accounts.find(app.db, userId)
  if (account?.role === 'admin' && caller.kind === 'key' && !caller.scopes.has('admin')) {
    throw new SottoError('FORBIDDEN', { detail: "setting an admin's password requires the scope admin" })
  }
}

async function requireCurrentPassword(
  ctx: CallerContext,
  userId: string,
  currentPassword: string | undefined,
): Promise<void> {
  const { app } = ctx
  const hash = await store.credentials.findPasswordHash(app.db, userId)
  if (hash === null) return
  if (currentPassword === undefined) throw invalidInput('currentPassword', 'is required')
  await app.limits.chargeSignIn(userId, ctx)
  if (!(await app.identity.passwords.verify(hash, currentPassword))) {
    throw invalidInput('currentPassword', 'is wrong')
  }
}
