import { invalidInput, SottoError, type User } from '@sotto/contract'
import type { Context } from '../app/context.ts'
import { isBareKey, requireMayGrantAccess } from '../auth/access.ts'
import { addUser, type NewUser } from './add-user.ts'

/** For bare service keys, and for sign-up: with a password, and an invitation if it is required. */
export async function createUser(ctx: Context, input: NewUser): Promise<User> {
  requireMayCreate(ctx, input)
  if (input.email !== undefined) await ctx.app.limits.chargeEmail(ctx.caller, ctx)
  const signUpKind = input.invitation === undefined ? 'sign-up' : 'invitation'
  return addUser(ctx.app, input, isBareKey(ctx) ? 'key' : signUpKind)
}

function requireMayCreate(ctx: Context, input: NewUser): void {
  if (isBareKey(ctx)) {
    // A user can sign in with a password, or with a token for the external id.
    if (input.password !== undefined || input.externalId !== undefined) requireMayGrantAccess(ctx, 'user')
    return
  }
  // A user who signs up must not claim another user's external id.
  if (input.externalId !== undefined) {
    throw new SottoError(ctx.caller.kind === 'anonymous' ? 'UNAUTHENTICATED' : 'FORBIDDEN', {
      detail: 'only a service key without Act-As can set externalId',
    })
  }
  const { signUp } = ctx.app
  if (signUp === 'closed') {
    const code = ctx.caller.kind === 'anonymous' ? 'UNAUTHENTICATED' : 'FORBIDDEN'
    throw new SottoError(code, { detail: 'sign-up is closed: only a service key can create users' })
  }
  if (signUp === 'invitation' && input.invitation === undefined) {
    throw invalidInput('invitation', 'is required to sign up')
  }
  if (input.password === undefined) throw invalidInput('password', 'is required to sign up')
}
