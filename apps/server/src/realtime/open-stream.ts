import { store } from '@sotto/db'
import type { ActorContext, CallerContext } from '../app/context.ts'
import { requireConversation } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import type { InputOf } from '../lib/operation-types.ts'
import type { Subscription } from './subscription.ts'

/** Opens a stream of the actor's events. Must be ended by the code that opened it. */
export async function openStream(
  ctx: ActorContext,
  input: InputOf<'events', 'stream'>,
): Promise<Subscription> {
  const { actor, transport } = ctx
  if (input.conversationId !== undefined) await requireConversation(ctx, input.conversationId)
  const watched = await visibleUsers(ctx, actor, input.presence ?? [])
  const { events, streamGuard, presenceWatches, metrics } = ctx.app
  const stream = await events.subscribe({
    userId: actor.id,
    conversationId: input.conversationId,
    streamId: input.streamId,
    watched: new Set(watched),
    // When a tRPC client reconnects, it repeats the original input and adds lastEventId, which is newer.
    cursor: input.lastEventId ?? input.cursor,
    onEnd(ended) {
      streamGuard.forget(ended)
      metrics.streamClosed(transport, ended.endReason)
    },
  })
  metrics.streamOpened(transport)
  streamGuard.watch(stream, ctx.caller)
  try {
    await presenceWatches.sendStates(stream, watched)
  } catch (error) {
    stream.end()
    throw error
  }
  return stream
}

/** Adds users to those whose presence an open stream of the actor receives. */
export async function watchPresence(
  ctx: ActorContext,
  { streamId, presence }: InputOf<'events', 'watch'>,
): Promise<{ found: boolean }> {
  const watchedIds = await visibleUsers(ctx, ctx.actor, presence)
  return { found: ctx.app.presenceWatches.add({ userId: ctx.actor.id, streamId, watchedIds }) }
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
