import { externalRef, invalidInput, SottoError, type User } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { InputOf } from '../lib/operation-types.ts'
import type { BusinessEvents } from '../metrics/business-events.ts'
import { endDemo } from '../setup/demo.ts'
import { toUser } from '../views/users.ts'
import { hashNewPassword } from './password-change.ts'
import type { Passwords } from './passwords.ts'
import { hashSecret } from './secrets.ts'

export type NewUser = InputOf<'users', 'create'>

export interface AddUserParts extends Pick<Runtime, 'db' | 'newId' | 'now' | 'emitBusinessEvent'> {
  readonly identity: { readonly passwords: Pick<Passwords, 'hash'> }
}

export type CreatedBy = BusinessEvents['user.created']['by']

/** Adds a user, without access checks. An invitation, if given, must be valid, and counts as used. */
export async function addUser(parts: AddUserParts, input: NewUser, by: CreatedBy): Promise<User> {
  const invitationHash = input.invitation === undefined ? undefined : hashSecret(input.invitation)
  // Reject before hashing: argon2 is expensive and the caller is unauthenticated.
  if (
    invitationHash !== undefined &&
    !(await store.invitations.isUsable(parts.db, invitationHash, parts.now()))
  ) {
    throw unusableInvitation()
  }
  const passwordHash =
    input.password === undefined
      ? null
      : await hashNewPassword(parts.identity.passwords, input.password, 'password')
  const user = await parts.db.transaction().execute(async (trx) => {
    if (invitationHash !== undefined && !(await store.invitations.take(trx, invitationHash, parts.now()))) {
      throw unusableInvitation()
    }
    // Users that the back end or the operator creates leave the demo to the operator who is trying it.
    if (by !== 'key' && by !== 'command') await endDemo(trx)
    return insertUser(trx, parts, { ...input, passwordHash })
  })
  parts.emitBusinessEvent('user.created', { userId: user.id, by })
  return user
}

/** The fields of a new user. */
type NewUserFields = Omit<NewUser, 'password' | 'invitation'> & { passwordHash: string | null }

/** Inserts a user, in the caller's transaction. */
export async function insertUser(
  trx: Executor,
  { newId, now }: Pick<Runtime, 'newId' | 'now'>,
  input: NewUserFields,
): Promise<User> {
  const id = newId()
  const inserted = await store.users.insert(trx, {
    id,
    username: input.username,
    externalId: input.externalId ?? null,
    displayName: input.displayName ?? null,
    firstName: input.firstName ?? null,
    lastName: input.lastName ?? null,
    email: input.email ?? null,
    avatarUrl: input.avatarUrl ?? null,
    passwordHash: input.passwordHash,
    at: now(),
  })
  if (!inserted) throw await conflictOf(trx, input)
  const row = await store.users.find(trx, id)
  if (!row) throw new Error(`user ${id} was not found after it was inserted`)
  return toUser(row)
}

async function conflictOf(
  trx: Executor,
  { username, externalId }: Pick<NewUser, 'username' | 'externalId'>,
): Promise<SottoError> {
  if (externalId !== undefined && (await store.users.find(trx, externalRef(externalId)))) {
    return new SottoError('EXTERNAL_ID_TAKEN')
  }
  return new SottoError((await store.users.find(trx, username)) ? 'USERNAME_TAKEN' : 'EMAIL_TAKEN')
}

function unusableInvitation(): SottoError {
  return invalidInput('invitation', 'is unknown, used up or expired')
}
