import { directKey, store } from '@sotto/db'
import type { ActorContext, CallerContext } from '../app/context.ts'
import { requireConversation, requireUser } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { signalItem } from './signals.ts'
import type { Subscription } from './subscription.ts'

/** Opens a stream of the actor's events. Must be ended by the code that opened it. */
export async function openStream(
  ctx: ActorContext,
  input: InputOf<'events', 'stream'>,
): Promise<Subscription> {
  const { actor } = ctx
  if (input.conversationId !== undefined) await requireConversation(ctx, input.conversationId)
  const watched = await visibleUsers(ctx, actor, input.presence ?? [])
  const { events, streamGuard, presence, metrics, newId, now } = ctx.app
  const stream = await events.subscribe({
    userId: actor.id,
    conversationId: input.conversationId,
    watched: new Set(watched),
    // When a tRPC client reconnects, it repeats the original input and adds lastEventId, which is newer.
    cursor: input.lastEventId ?? input.cursor,
    onEnd(ended) {
      streamGuard.forget(ended)
      metrics.streamClosed(ctx.transport, ended.endReason)
    },
  })
  metrics.streamOpened(ctx.transport)
  streamGuard.watch(stream, ctx.caller)
  try {
    for (const userId of watched) {
      const state = await presence.find(userId)
      const base = { id: newId(), type: 'presence.changed' as const, conversationId: null, at: now() }
      stream.push(signalItem({ to: { userIds: [actor.id] }, event: { ...base, userId, ...state } }))
    }
  } catch (error) {
    stream.end()
    throw error
  }
  return stream
}

/** The users whose presence the actor may see. Others are ignored. */
async function visibleUsers(ctx: CallerContext, actor: Actor, refs: readonly string[]): Promise<string[]> {
  const userIds: string[] = []
  for (const ref of refs) {
    const user = await requireUser(ctx, ref, 'presence')
    if (await canSeePresence(ctx, actor, user)) userIds.push(user.id)
  }
  return userIds
}

/** Users who share a conversation see each other's presence, unless either has blocked the other. */
export async function canSeePresence(ctx: CallerContext, viewer: Actor, user: Actor): Promise<boolean> {
  if (!(await sharesConversation(ctx, viewer, user))) return false
  return (await store.blocks.findBetween(ctx.app.db, viewer.id, [user.id])).size === 0
}

async function sharesConversation(ctx: CallerContext, a: Actor, b: Actor): Promise<boolean> {
  if (a.id === b.id) return true
  const { db } = ctx.app
  const direct = await store.conversations.findDirect(db, directKey(a.id, b.id))
  return direct !== undefined || store.participants.shareGroup(db, a.id, b.id)
}
