import { type Executor, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { type AuditOrigin, recordAudit } from '../audit/record-audit.ts'
import { requireMayChangeAccount, requireSelfOrAdmin } from '../auth/access.ts'
import { findAndHoldAccount } from '../auth/held-account.ts'
import { requireRemainingAdmin } from '../auth/remaining-admin.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { requireNotDemoUser } from '../setup/demo.ts'

/** The job that erases a user's content after their account. */
export const ERASE_JOB = 'user.erase'

/** Erases a user: the account immediately, their content in a job. */
export async function eraseUser(ctx: CallerContext, { user: ref }: InputOf<'users', 'erase'>): Promise<void> {
  const user = await requireSelfOrAdmin(ctx, ref)
  const { app } = ctx
  if (ctx.caller.kind !== 'key') await requireNotDemoUser(app.db, user.username)
  const isFirst = await app.db.transaction().execute(async (trx) => {
    await requireMayErase(trx, ctx, user.id)
    return beginErasure(trx, ctx, user.id)
  })
  if (isFirst) app.emitBusinessEvent('user.erased', { userId: user.id })
  app.identity.forgetUsers()
  app.jobs.wake()
}

async function requireMayErase(trx: Executor, ctx: CallerContext, userId: string): Promise<void> {
  const account = await store.accounts.find(trx, userId)
  // Before the user's own row is locked, so that all calls lock admins in the same order.
  if (account?.role === 'admin') await requireRemainingAdmin(trx, ctx, userId)
  const held = await findAndHoldAccount(trx, ctx, userId)
  if (held) requireMayChangeAccount(ctx, held.role)
}

/**
 * Erases the account and creates the job for the content. Once this is committed, no one can sign in as the user or
 * act for them.
 *
 * @returns false if the erasure had already begun.
 */
export async function beginErasure(trx: Executor, origin: AuditOrigin, userId: string): Promise<boolean> {
  const { app } = origin
  const at = app.now()
  const isFirst = await store.erasure.markErased(trx, userId, {
    username: placeholderUsername(app.newId()),
    at,
  })
  if (!isFirst) return false
  await store.erasure.eraseAccount(trx, userId)
  await store.jobs.put(trx, { kind: ERASE_JOB, subject_id: userId }, at)
  await recordAudit(trx, origin, { action: 'user.erase_accepted', subjectId: userId })
  return true
}

/** The limit of the contract. */
const MAX_USERNAME_LENGTH = 32
const PREFIX = 'erased-'

/**
 * The username of an erased user, from the random end of a new id. It must not be predictable: a user who took the
 * name in advance could prevent the erasure.
 */
function placeholderUsername(id: string): string {
  return PREFIX + id.replaceAll('-', '').slice(PREFIX.length - MAX_USERNAME_LENGTH)
}
