import { store } from '@sotto/db'
import type { ActorContext, CallerContext } from '../app/context.ts'
import { requireConversation } from '../auth/access.ts'
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

/** The users whose presence the actor may see. Others are ignored, including users who do not exist. */
async function visibleUsers(ctx: CallerContext, actor: Actor, refs: readonly string[]): Promise<string[]> {
  const users = await Promise.all(refs.map((ref) => ctx.app.identity.findActor(ref)))
  const ids = [...new Set(users.flatMap((user) => user?.id ?? []))]
  const visible = await store.relationships.findPresenceViewers(ctx.app.db, actor.id, ids)
  return ids.filter((id) => id === actor.id || visible.has(id))
}

/** Whether a user may see another's presence. Users see their own. */
export async function canSeePresence(ctx: CallerContext, viewer: Actor, user: Actor): Promise<boolean> {
  if (viewer.id === user.id) return true
  return (await store.relationships.findPresenceViewers(ctx.app.db, user.id, [viewer.id])).has(viewer.id)
}
