import { type Contract, invalidInput, SottoError, type User } from '@sotto/contract'
import { type Executor, findUser, insertUser, isInvitationUsable, takeInvitation, toUser } from '@sotto/db'
import type { z } from 'zod'
import type { App, Context } from '../app/context.ts'
import type { BusinessEvents } from '../metrics/business-events.ts'
import { endDemo, isOfDemo } from '../setup/demo.ts'
import { hashNewPassword } from './password-change.ts'
import { hashSecret } from './secrets.ts'

type Input = z.output<Contract['users']['create']['input']>
type Parts = Pick<App, 'db' | 'newId' | 'now' | 'identity' | 'tellBusiness'>
type Way = BusinessEvents['user.created']['by']

/** By a bare service key; by anyone as far as sign-up is open or there is an invitation, with a password then. */
export async function createUser(ctx: Context, input: Input): Promise<User> {
  requireMayCreate(ctx, input)
  const byStranger = input.invitation === undefined ? 'sign-up' : 'invitation'
  return addUser(ctx.app, input, isBareKey(ctx) ? 'key' : byStranger)
}

function isBareKey({ caller }: Context): boolean {
  return caller.kind === 'key' && !caller.actor
}

function requireMayCreate(ctx: Context, input: Input): void {
  if (isBareKey(ctx)) return
  const { signUp } = ctx.app
  if (signUp === 'closed') {
    const code = ctx.caller.kind === 'anonymous' ? 'UNAUTHENTICATED' : 'FORBIDDEN'
    throw new SottoError(code, { detail: 'sign-up is closed: a service key can create users' })
  }
  if (signUp === 'invitation' && input.invitation === undefined) {
    throw invalidInput('invitation', 'is required to sign up')
  }
  if (input.password === undefined) throw invalidInput('password', 'is required to sign up')
}

/** Adds a user, whoever asks for it. An invitation that is named is used, or nobody is added. */
export async function addUser(app: Parts, input: Input, way: Way): Promise<User> {
  const invitationHash = input.invitation === undefined ? undefined : hashSecret(input.invitation)
  // Before the password is hashed, which costs more than a stranger is to be had for.
  if (invitationHash !== undefined && !(await isInvitationUsable(app.db, invitationHash, app.now()))) {
    throw unusableInvitation()
  }
  const passwordHash =
    input.password === undefined ? null : await hashNewPassword(app, input.password, 'password')
  const user = await app.db.transaction().execute(async (trx) => {
    if (invitationHash !== undefined && !(await takeInvitation(trx, invitationHash, app.now()))) {
      throw unusableInvitation()
    }
    return putUser(trx, app, { ...input, passwordHash })
  })
  app.tellBusiness('user.created', { userId: user.id, by: way })
  return user
}

/** What a user begins with. */
type Beginning = Omit<Input, 'password' | 'invitation'> & { passwordHash: string | null }

/** Writes a user down, in a transaction that may do more. */
export async function putUser(
  trx: Executor,
  { newId, now }: Pick<App, 'newId' | 'now'>,
  input: Beginning,
): Promise<User> {
  if (!isOfDemo(input.username)) await endDemo(trx)
  const id = newId()
  const inserted = await insertUser(trx, {
    id,
    username: input.username,
    displayName: input.displayName ?? null,
    firstName: input.firstName ?? null,
    lastName: input.lastName ?? null,
    email: input.email ?? null,
    avatarUrl: input.avatarUrl ?? null,
    passwordHash: input.passwordHash,
    at: now(),
  })
  if (!inserted) throw await taken(trx, input)
  const row = await findUser(trx, id)
  if (!row) throw new Error(`user ${id} is gone`)
  return toUser(row)
}

async function taken(trx: Executor, { username }: Pick<Input, 'username'>): Promise<SottoError> {
  return new SottoError((await findUser(trx, username)) ? 'USERNAME_TAKEN' : 'EMAIL_TAKEN')
}

function unusableInvitation(): SottoError {
  return invalidInput('invitation', 'is unknown, used up, or has expired')
}
