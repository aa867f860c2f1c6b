import { type KeyScope, limitOf, type Procedure, SottoError } from '@sotto/contract'
import type { Context } from '../app/context.ts'

type Entry = Pick<Procedure, 'access' | 'kind' | 'limit'>

/**
 * Whether the caller may call an operation at all, and not too often. Every transport asks here before it looks at
 * the input, for each call of a batch; what a caller may see or change is the use case's to say.
 *
 * @throws {SottoError} RATE_LIMITED, UNAUTHENTICATED, FORBIDDEN, ACTOR_REQUIRED
 */
export async function admit(ctx: Context, entry: Entry): Promise<void> {
  const { app, caller } = ctx
  // Before anything else: what is refused has cost something too.
  await app.limits.charge(limitOf(entry), caller, ctx)
  // A key is held to its scopes also where nobody needs one: with it, more is allowed there.
  if (caller.kind === 'key') {
    const scope = scopeOf(entry)
    if (!caller.scopes.has(scope)) {
      throw new SottoError('FORBIDDEN', { detail: `the service key has not the scope ${scope}` })
    }
  }
  if (entry.access === 'anyone') return
  if (caller.kind === 'anonymous') throw new SottoError('UNAUTHENTICATED')
  if (entry.access === 'admin' && !isAdmin(caller)) throw new SottoError('FORBIDDEN')
  if (entry.access === 'actor' && !caller.actor) {
    throw new SottoError('ACTOR_REQUIRED', { detail: 'name a user in the Act-As header' })
  }
}

/** The scope that a service key needs for an operation. */
function scopeOf({ access, kind }: Entry): KeyScope {
  if (access === 'admin') return 'admin'
  return kind === 'mutation' ? 'write' : 'read'
}

/** A key that acts for somebody can do what they can, and nothing that is for admins. */
function isAdmin(caller: Exclude<Context['caller'], { kind: 'anonymous' }>): boolean {
  return caller.kind === 'user' ? caller.isAdmin : caller.actor === undefined
}
