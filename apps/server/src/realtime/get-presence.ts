import type { Contract } from '@sotto/contract'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { actorOf, requireCaller, requireUser } from '../auth/access.ts'
import { isInSight } from './open-stream.ts'
import type { PresenceState } from './presence.ts'

/** To those who may not see the user they were never seen. */
export async function getPresence(
  ctx: Context,
  input: z.output<Contract['users']['presence']['input']>,
): Promise<PresenceState & { userId: string }> {
  requireCaller(ctx)
  const user = await requireUser(ctx, input.user, 'user')
  const actor = actorOf(ctx)
  const isSeen = !actor || (await isInSight(ctx, actor, user))
  const state = isSeen ? await ctx.app.presence.find(user.id) : { online: false, lastSeenAt: null }
  return { userId: user.id, ...state }
}
