import type { CallerContext } from '../app/context.ts'
import { requireUser } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { isInSight } from './open-stream.ts'
import type { PresenceState } from './presence.ts'

/** To those who may not see the user they were never seen. */
export async function getPresence(
  ctx: CallerContext,
  input: InputOf<'users', 'presence'>,
): Promise<PresenceState & { userId: string }> {
  const user = await requireUser(ctx, input.user, 'user')
  const actor = ctx.actor
  const isSeen = !actor || (await isInSight(ctx, actor, user))
  const state = isSeen ? await ctx.app.presence.find(user.id) : { online: false, lastSeenAt: null }
  return { userId: user.id, ...state }
}
