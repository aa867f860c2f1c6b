import { SottoError, type User } from '@sotto/contract'
import { isUniqueViolation, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { isBareKey, requireSelfOrKey } from '../auth/access.ts'
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
  if (Object.values(change).some((value) => value !== undefined)) {
    try {
      await ctx.app.db.transaction().execute(async (trx) => {
        await store.users.updateProfile(trx, user.id, change, ctx.app.now())
        if (isBareKey(ctx)) {
          await recordAudit(trx, ctx, { action: 'user.profile_changed', subjectId: user.id })
        }
      })
    } catch (error) {
      if (isUniqueViolation(error)) throw new SottoError('EMAIL_TAKEN')
      throw error
    }
  }
  const row = await store.users.find(ctx.app.db, user.id)
  if (!row) throw new SottoError('USER_NOT_FOUND', { detail: 'no such user' })
  return showUser(ctx, row)
}
