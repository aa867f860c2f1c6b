import { type Executor, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { type AuditOrigin, recordAudit } from '../audit/record-audit.ts'
import { requireSelfOrAdmin } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { requireNotOfDemo } from '../setup/demo.ts'

/** The name of the job that erases what is left of a user. */
export const ERASE_JOB = 'user.erase'

/** Erases a user: the account at once, what they have said and done by a job. */
export async function eraseUser(ctx: CallerContext, { user: ref }: InputOf<'users', 'erase'>): Promise<void> {
  const user = await requireSelfOrAdmin(ctx, ref)
  const { app } = ctx
  if (ctx.caller.kind !== 'key') await requireNotOfDemo(app.db, user.username)
  const isFirst = await app.db.transaction().execute((trx) => beginErasure(trx, ctx, user.id))
  if (isFirst) app.emitBusinessEvent('user.erased', { userId: user.id })
  app.identity.forgetUsers()
  app.jobs.wake()
}

/**
 * From the commit on there is nobody to log in as or to act for, and a job that does the rest.
 *
 * @returns false when it has begun before.
 */
export async function beginErasure(trx: Executor, origin: AuditOrigin, userId: string): Promise<boolean> {
  const { app } = origin
  const at = app.now()
  const isFirst = await store.erasure.markErased(trx, userId, { username: placeholder(app.newId()), at })
  if (!isFirst) return false
  await store.erasure.eraseAccount(trx, userId)
  await store.jobs.put(trx, { kind: ERASE_JOB, subject_id: userId }, at)
  await recordAudit(trx, origin, { action: 'user.erase_accepted', subjectId: userId })
  return true
}

/** As long as usernames may be. */
const MAX_USERNAME_LENGTH = 32
const PREFIX = 'erased-'

/**
 * What stands where the username stood. Made of the random end of an id that nobody has seen: had anybody taken the
 * name before, the user could not be erased.
 */
function placeholder(id: string): string {
  return PREFIX + id.replaceAll('-', '').slice(PREFIX.length - MAX_USERNAME_LENGTH)
}
