import { type Access, type KeyScope, limitOf, type Procedure, SottoError } from '@sotto/contract'
import type { Context } from '../app/context.ts'
import type { ContextFor } from '../app/use-case.ts'
import type { KnownCaller } from './caller.ts'

type Entry = Pick<Procedure, 'access' | 'kind' | 'limit'>

/**
 * Checks whether the caller may call an operation at all, and not too often: the only place that looks at `access`.
 * Every transport calls it before it looks at the input, for each call of a batch. What a caller may see or change is
 * for the use case to check.
 *
 * @returns the context as the use case's type has it.
 * @throws {SottoError} RATE_LIMITED, UNAUTHENTICATED, FORBIDDEN, ACTOR_REQUIRED
 */
export async function admit<A extends Access>(
  ctx: Context,
  entry: Entry & { access: A },
): Promise<ContextFor<A>> {
  // First, since a refused call has a cost too.
  await ctx.app.limits.charge(limitOf(entry), ctx.caller, ctx)
  requireAccess(ctx, entry)
  // The checks above are what the type says.
  return ctx as ContextFor<A>
}

function requireAccess({ caller, actor }: Context, entry: Entry): void {
  // Also where no credentials are needed, since a key may do more there than an anonymous caller.
  if (caller.kind === 'key') {
    const scope = scopeOf(entry)
    if (!caller.scopes.has(scope)) {
      throw new SottoError('FORBIDDEN', { detail: `missing required scope: ${scope}` })
    }
  }
  if (entry.access === 'anyone') return
  if (caller.kind === 'anonymous') throw new SottoError('UNAUTHENTICATED')
  if (entry.access === 'admin' && !isAdmin(caller)) throw new SottoError('FORBIDDEN')
  if (entry.access === 'actor' && !actor) {
    throw new SottoError('ACTOR_REQUIRED', {
      detail: 'the Act-As header is required: it names the user to act as',
    })
  }
}

/** The scope that a service key needs for an operation. */
function scopeOf({ access, kind }: Entry): KeyScope {
  if (access === 'admin') return 'admin'
  return kind === 'mutation' ? 'write' : 'read'
}

/** A key that acts for a user can do what that user can, and nothing that is for admins. */
function isAdmin(caller: KnownCaller): boolean {
  return caller.kind === 'user' ? caller.isAdmin : caller.actor === undefined
}
