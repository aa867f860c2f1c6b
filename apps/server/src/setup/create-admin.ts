import type { User } from '@sotto/contract'
import { store } from '@sotto/db'
import type { Context } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { insertUser } from '../identity/add-user.ts'
import { hashNewPassword } from '../identity/password-change.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { endSetup } from './demo.ts'
import { requireToken } from './setup-token.ts'

type Input = InputOf<'setup', 'createAdmin'>

/** Creates the first user, an admin, and consumes the setup token. */
export async function createAdmin(ctx: Context, { token, password, ...profile }: Input): Promise<User> {
  const { app } = ctx
  // Reject before hashing: argon2 is expensive and the caller is unauthenticated.
  await requireToken(app.db, app, await store.setup.find(app.db), token)
  const passwordHash = await hashNewPassword(app.identity.passwords, password, 'password')
  const user = await app.db.transaction().execute(async (trx) => {
    await requireToken(trx, app, await store.setup.hold(trx), token)
    const created = await insertUser(trx, app, { ...profile, passwordHash })
    await store.accounts.updateRole(trx, created.id, 'admin')
    await endSetup(trx)
    await recordAudit(trx, ctx, { action: 'setup.admin_created', subjectId: created.id })
    return created
  })
  app.identity.forgetUsers()
  app.emitBusinessEvent('user.created', { userId: user.id, by: 'setup' })
  return user
}
