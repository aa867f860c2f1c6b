import type { CallerContext } from '../app/context.ts'
import { requireUser } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { canSeePresence } from './open-stream.ts'
import type { PresenceState } from './presence.ts'

/** Callers who may not see the user's presence get the state of a user who was never online. */
export async function getPresence(
  ctx: CallerContext,
  input: InputOf<'users', 'presence'>,
): Promise<PresenceState & { userId: string }> {
  const user = await requireUser(ctx, input.user, 'user')
  const actor = ctx.actor
  const isVisible = !actor || (await canSeePresence(ctx, actor, user))
  const state = isVisible ? await ctx.app.presence.find(user.id) : { online: false, lastSeenAt: null }
  return { userId: user.id, ...state }
}
