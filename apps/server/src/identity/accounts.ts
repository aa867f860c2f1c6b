import { type Account, SottoError } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext, AdminContext, CallerContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { requireLastingAccess, requireMayGrantAccess, requireUser } from '../auth/access.ts'
import { holdAccount } from '../auth/held-account.ts'
import { requireRemainingAdmin } from '../auth/remaining-admin.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { endSetup } from '../setup/demo.ts'
import { toAccount } from '../views/users.ts'
import { showUser } from './read-users.ts'

/** The actor's own account. */
export async function getMe(ctx: ActorContext): Promise<Account> {
  const { id } = ctx.actor
  return readAccount(ctx, id)
}

/** A user's account, for an admin. */
export async function getAccount(
  ctx: AdminContext,
  { user: ref }: InputOf<'users', 'account'>,
): Promise<Account> {
  const user = await requireUser(ctx, ref, 'user')
  return readAccount(ctx, user.id)
}

/** Grants or removes admin access. */
export async function setRole(
  ctx: AdminContext,
  { user: ref, role }: InputOf<'users', 'setRole'>,
): Promise<Account> {
  if (role === 'admin') {
    requireMayGrantAccess(ctx, 'admin')
    requireLastingAccess(ctx)
  }
  const user = await requireUser(ctx, ref, 'user')
  await ctx.app.db.transaction().execute(async (trx) => {
    if (role === 'user') await requireRemainingAdmin(trx, ctx, user.id)
    if (await store.accounts.updateRole(trx, user.id, role)) {
      if (role === 'admin') await endSetup(trx)
      await recordAudit(trx, ctx, { action: 'user.role_changed', subjectId: user.id })
    }
  })
  ctx.app.identity.forgetUsers()
  return readAccount(ctx, user.id)
}

/** Disables or enables a user. Sessions are kept, but do not work while the user is disabled. */
export async function setDisabled(
  ctx: AdminContext,
  { user: ref, disabled }: InputOf<'users', 'setDisabled'>,
): Promise<Account> {
  const user = await requireUser(ctx, ref, 'user')
  const { app } = ctx
  await app.db.transaction().execute(async (trx) => {
    if (disabled) await requireRemainingAdmin(trx, ctx, user.id)
    else if ((await holdAccount(trx, ctx, user.id)).role === 'admin') {
      // They have admin access again.
      requireMayGrantAccess(ctx, 'admin')
      requireLastingAccess(ctx)
    }
    if (await store.accounts.updateDisabledAt(trx, user.id, disabled ? app.now() : null)) {
      const action = disabled ? 'user.disabled' : 'user.enabled'
      await recordAudit(trx, ctx, { action, subjectId: user.id })
    }
  })
  app.identity.forgetUsers()
  return readAccount(ctx, user.id)
}

async function readAccount(ctx: CallerContext, userId: string): Promise<Account> {
  const row = await store.accounts.find(ctx.app.db, userId)
  if (!row) throw new SottoError('USER_NOT_FOUND', { detail: 'no such user' })
  return toAccount(row, showUser(ctx, row))
}
