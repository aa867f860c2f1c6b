import { type Access, limitOf, type Procedure, requiredScopesOf, SottoError } from '@sotto/contract'
import type { Context } from '../app/context.ts'
import type { ContextFor } from '../app/use-case.ts'
import { requireLastingAccess, requireScopes } from './access.ts'
import { type KnownCaller, refersTo } from './caller.ts'

type Entry = Pick<Procedure, 'access' | 'kind' | 'limit' | 'extraScopes' | 'grantsAccess'>

/**
 * Checks the rate limit of an operation and enforces its `access`; no other code does. Every transport calls it before
 * validating the input, once per call in a batch. The use case checks which resources the caller can see or change.
 *
 * @returns the context, with the type that the use case requires.
 * @throws {SottoError} RATE_LIMITED, UNAUTHENTICATED, USER_MISMATCH, FORBIDDEN, ACTOR_REQUIRED
 */
export async function admit<A extends Access>(
  ctx: Context,
  entry: Entry & { access: A },
): Promise<ContextFor<A>> {
  // First, because rejected calls must count too.
  await ctx.app.limits.charge(limitOf(entry), ctx.caller, ctx)
  requireExpectedUser(ctx)
  requireAccess(ctx, entry)
  // The checks above guarantee the type.
  return ctx as ContextFor<A>
}

/**
 * The user of a client can change between writing a message and sending it, for example when another user signs in on a
 * different tab. An anonymous caller is no other user, and may be about to sign in.
 */
function requireExpectedUser({ caller, actor, expectedUser }: Context): void {
  if (expectedUser === undefined || caller.kind === 'anonymous') return
  if (!actor || !refersTo(expectedUser, actor)) throw new SottoError('USER_MISMATCH')
}

function requireAccess(ctx: Context, entry: Entry): void {
  const { caller, actor } = ctx
  // Checked even if no credentials are required: a key can do more than an anonymous caller.
  requireScopes(ctx, requiredScopesOf(entry))
  if (entry.access === 'anyone') return
  if (caller.kind === 'anonymous') throw new SottoError('UNAUTHENTICATED')
  if (entry.access === 'admin' && !isAdmin(caller)) throw new SottoError('FORBIDDEN')
  if (entry.access === 'actor' && !actor) {
    throw new SottoError('ACTOR_REQUIRED', {
      detail: 'the Act-As header is required: it names the user to act as',
    })
  }
  if (entry.grantsAccess) requireLastingAccess(ctx)
}

/** A key that acts for a user can do what that user can, but nothing reserved for admins. */
function isAdmin(caller: KnownCaller): boolean {
  return caller.kind === 'user' ? caller.isAdmin : caller.actor === undefined
}
