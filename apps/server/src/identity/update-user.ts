import { externalRef, SottoError, type User } from '@sotto/contract'
import { type Executor, isUniqueViolation, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import {
  isBareKey,
  requireMayChangeAccount,
  requireMayGrantAccess,
  requireSelfOrKey,
} from '../auth/access.ts'
import { holdAccount } from '../auth/held-account.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { requireNotDemoUser } from '../setup/demo.ts'
import { showUser } from './read-users.ts'

/** Changes a profile. Usernames never change, because they identify users. */
export async function updateUser(
  ctx: CallerContext,
  { user: ref, ...change }: InputOf<'users', 'update'>,
): Promise<User> {
  const user = await requireSelfOrKey(ctx, ref)
  // The profile would outlive the demo.
  if (ctx.caller.kind !== 'key') await requireNotDemoUser(ctx.app.db, user.username)
  if (typeof change.email === 'string') await ctx.app.limits.chargeEmail(ctx.caller, ctx)
  if (change.externalId !== undefined && !isBareKey(ctx)) {
    throw new SottoError('FORBIDDEN', { detail: 'only a service key without Act-As can change externalId' })
  }
  if (Object.values(change).some((value) => value !== undefined)) {
    try {
      await ctx.app.db.transaction().execute(async (trx) => {
        if (change.externalId !== undefined) await requireMayIdentify(trx, ctx, user.id, change.externalId)
        await store.users.updateProfile(trx, user.id, change, ctx.app.now())
        if (isBareKey(ctx)) {
          await recordAudit(trx, ctx, { action: 'user.profile_changed', subjectId: user.id })
        }
        if (change.externalId !== undefined && change.externalId !== user.externalId) {
          await recordAudit(trx, ctx, { action: 'user.external_id_changed', subjectId: user.id })
        }
      })
    } catch (error) {
      if (isUniqueViolation(error)) throw await conflictOf(ctx, user.id, change.externalId)
      throw error
    }
    if (change.externalId !== undefined) ctx.app.identity.forgetUsers()
  }
  const row = await store.users.find(ctx.app.db, user.id)
  if (!row) throw new SottoError('USER_NOT_FOUND', { detail: 'no such user' })
  return showUser(ctx, row)
}

/** Signed tokens identify users by external id, so giving a user one lets its owner sign in as the user. */
async function requireMayIdentify(
  trx: Executor,
  ctx: CallerContext,
  userId: string,
  externalId: string | null,
): Promise<void> {
  const { role } = await holdAccount(trx, ctx, userId)
  if (externalId === null) requireMayChangeAccount(ctx, role)
  else requireMayGrantAccess(ctx, role)
}

async function conflictOf(
  { app }: CallerContext,
  userId: string,
  externalId: string | null | undefined,
): Promise<SottoError> {
  const owner = externalId == null ? undefined : await store.users.find(app.db, externalRef(externalId))
  return new SottoError(owner && owner.id !== userId ? 'EXTERNAL_ID_TAKEN' : 'EMAIL_TAKEN')
}
