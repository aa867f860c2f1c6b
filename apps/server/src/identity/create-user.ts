import { type Contract, invalidInput, SottoError, type User } from '@sotto/contract'
import { findUser, insertUser, toUser } from '@sotto/db'
import type { z } from 'zod'
import type { App, Context } from '../context.ts'

type Input = z.output<Contract['users']['create']['input']>

/** By a bare service key, or by anyone while sign-up is open, who then needs a password. */
export async function createUser(ctx: Context, input: Input): Promise<User> {
  requireMayCreate(ctx, input)
  return addUser(ctx.app, input)
}

function requireMayCreate(ctx: Context, input: Input): void {
  if (ctx.caller.kind === 'key' && !ctx.caller.actor) return
  if (ctx.app.signUp === 'closed') {
    throw ctx.caller.kind === 'anonymous'
      ? new SottoError('UNAUTHENTICATED', { detail: 'sign-up is closed: a service key can create users' })
      : new SottoError('FORBIDDEN', { detail: 'sign-up is closed: a service key can create users' })
  }
  if (input.password === undefined) throw invalidInput('password', 'is required to sign up')
}

/** Adds a user, whoever asks for it. */
export async function addUser(
  app: Pick<App, 'db' | 'newId' | 'now' | 'identity'>,
  input: Input,
): Promise<User> {
  const passwordHash = input.password === undefined ? null : await app.identity.passwords.hash(input.password)
  const id = app.newId()
  const inserted = await app.db.transaction().execute((trx) =>
    insertUser(trx, {
      id,
      username: input.username,
      displayName: input.displayName ?? null,
      firstName: input.firstName ?? null,
      lastName: input.lastName ?? null,
      email: input.email ?? null,
      avatarUrl: input.avatarUrl ?? null,
      passwordHash,
      at: app.now(),
    }),
  )
  if (!inserted) {
    const taken = (await findUser(app.db, input.username)) ? 'USERNAME_TAKEN' : 'EMAIL_TAKEN'
    throw new SottoError(taken)
  }
  const row = await findUser(app.db, id)
  if (!row) throw new Error(`user ${id} is gone`)
  return toUser(row)
}
