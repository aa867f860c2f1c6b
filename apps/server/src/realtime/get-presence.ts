import type { Contract } from '@sotto/contract'
import type { z } from 'zod'
import { actorOf, requireCaller, requireUser } from '../access.ts'
import type { Context } from '../context.ts'
import { sharesConversation } from './open-stream.ts'
import type { PresenceState } from './presence.ts'

/** To whoever shares no conversation with the user, they were never seen. */
export async function getPresence(
  ctx: Context,
  input: z.output<Contract['users']['presence']['input']>,
): Promise<PresenceState & { userId: string }> {
  requireCaller(ctx)
  const user = await requireUser(ctx, input.user, 'user')
  const actor = actorOf(ctx)
  const isInSight = !actor || (await sharesConversation(ctx, actor, user))
  const state = isInSight ? await ctx.app.presence.find(user.id) : { online: false, lastSeenAt: null }
  return { userId: user.id, ...state }
}
