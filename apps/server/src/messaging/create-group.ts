import { type Conversation, invalidInput, maxParticipants } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext, CallerContext } from '../app/context.ts'
import { requireUser } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pairsToAdd, requireMayAdd } from './join-group.ts'
import { showConversation } from './show-conversations.ts'

/** Creates a group with the actor as its owner. */
export async function createGroup(
  ctx: ActorContext,
  input: InputOf<'conversations', 'create'>,
): Promise<Conversation> {
  const { actor } = ctx
  const others = await requireOthers(ctx, actor, input.participants)
  const id = ctx.app.newId()
  const at = ctx.app.now()
  await ctx.app.write(async (trx) => {
    await store.conversations.lockMany(trx, [id, ...pairsToAdd(ctx, others)])
    for (const user of [actor, ...others]) await requireMayAdd(ctx, trx, user)
    await store.conversations.insert(trx, {
      id,
      directKey: null,
      name: input.name,
      participantCount: others.length + 1,
      at,
    })
    const firstEventId = await store.events.append(trx, {
      type: 'conversation.created',
      conversationId: id,
      userId: actor.id,
      seq: 0,
      at,
    })
    await store.participants.insertMany(
      trx,
      [
        { userId: actor.id, role: 'owner' },
        ...others.map(({ id: userId }) => ({ userId, role: 'member' as const })),
      ],
      { conversationId: id, at, afterSeq: 0, firstEventId, activeAt: null, addedBy: actor.id },
    )
  })
  ctx.app.emitBusinessEvent('group.created', { conversationId: id, participants: others.length + 1 })
  const conversation = await store.conversations.find(ctx.app.db, id)
  const shown = conversation && (await showConversation(ctx.app, conversation, actor.id))
  if (!shown) throw new Error(`group ${id} not found`)
  return shown
}

/** The given users, without the actor and duplicates. */
async function requireOthers(ctx: CallerContext, actor: Actor, refs: readonly string[]): Promise<Actor[]> {
  const others = new Map<string, Actor>()
  for (const [index, ref] of refs.entries()) {
    const user = await requireUser(ctx, ref, `participants.${index}`)
    if (user.id !== actor.id) others.set(user.id, user)
  }
  if (others.size >= maxParticipants) {
    throw invalidInput(
      'participants',
      `must be at most ${maxParticipants - 1} users, not counting the creator`,
    )
  }
  return [...others.values()]
}
