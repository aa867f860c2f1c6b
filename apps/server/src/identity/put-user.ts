import { externalIdIn, invalidInput, SottoError, type User } from '@sotto/contract'
import { store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { isBareKey, requireMayGrantAccess } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { addExternalUser, adoptUser } from './external-users.ts'
import { updateUser } from './update-user.ts'

/** Creates or updates the user with an external id. */
export async function putUser(
  ctx: CallerContext,
  { user: ref, username, ...change }: InputOf<'users', 'put'>,
): Promise<User> {
  if (!isBareKey(ctx)) {
    throw new SottoError('FORBIDDEN', { detail: 'only a service key without Act-As can call this' })
  }
  const { app } = ctx
  const externalId = externalIdIn(ref) ?? ''
  const find = () => store.users.find(app.db, ref)
  let row = await find()
  const requireMayAdopt = (role: 'user' | 'admin') => requireMayGrantAccess(ctx, role)
  const mayBeSame = username === undefined || username === externalId
  if (!row && mayBeSame && (await adoptUser(app, externalId, requireMayAdopt))) {
    row = await find()
  }
  if (!row) {
    const created = await addExternalUser(
      app,
      { ...withoutNulls(change), externalId, username, namedAfter: externalId, mayLeaveOutEmail: false },
      'key',
    )
    if (created) return created
    row = await find()
  }
  // Erased in the meantime.
  if (!row) throw new SottoError('UNAVAILABLE', { detail: 'the user is being changed; try again' })
  if (username !== undefined && username !== row.username) {
    throw invalidInput('username', 'cannot be changed')
  }
  ctx.outcome.repeated = true
  return updateUser(ctx, { user: row.id, ...change })
}

type Change = Omit<InputOf<'users', 'put'>, 'user' | 'username'>

/** A new user has no fields to clear. */
function withoutNulls({ displayName, firstName, lastName, email, avatarUrl }: Change) {
  return {
    displayName: displayName ?? undefined,
    firstName: firstName ?? undefined,
    lastName: lastName ?? undefined,
    email: email ?? undefined,
    avatarUrl: avatarUrl ?? undefined,
  }
}
