import { createHash } from 'node:crypto'
import { type Conversation, foldUserRef, invalidInput, maxParticipants, SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { ActorContext, CallerContext } from '../app/context.ts'
import { requireUser } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pairsToAdd, requireMayAdd } from './join-group.ts'
import { noteDelivered } from './note-delivered.ts'
import { showConversation, showLeftConversation } from './show-conversations.ts'

type Input = InputOf<'conversations', 'create'>

/** Creates a group with the actor as its owner. */
export async function createGroup(ctx: ActorContext, input: Input): Promise<Conversation> {
  const { actor, app } = ctx
  // Comes first: the participants of the first call may have been erased since.
  const earlier = await findEarlier(app.db, actor, input)
  if (earlier !== undefined) return earlierGroup(ctx, app.db, earlier)
  const others = await requireOthers(ctx, actor, input.participants)
  const key = input.clientConversationId === undefined ? [] : [`${actor.id}:${input.clientConversationId}`]
  const { shown, isNew } = await app.write(async (trx) => {
    const id = app.newId()
    const at = app.now()
    await store.conversations.lockMany(trx, [id, ...key, ...pairsToAdd(ctx, others)])
    const concurrent = await findEarlier(trx, actor, input)
    if (concurrent !== undefined) {
      return { shown: await earlierGroup(ctx, trx, concurrent), isNew: false }
    }
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
    if (input.clientConversationId !== undefined) {
      await store.conversations.insertClientKey(
        trx,
        { creatorId: actor.id, clientConversationId: input.clientConversationId },
        { id, contentHash: hashInput(input) },
      )
    }
    const conversation = await store.conversations.find(trx, id)
    // In the transaction: afterwards, the actor may have left the group.
    const shown = conversation && (await showConversation(trx, conversation, actor.id))
    if (!shown) throw new Error(`group ${id} not found`)
    return { shown, isNew: true }
  })
  if (isNew) {
    const { id: conversationId, participantCount } = shown
    app.emitBusinessEvent('group.created', { conversationId, participants: participantCount })
  }
  return shown
}

/** The id of the group that an earlier call has created. @throws {SottoError} IDEMPOTENCY_CONFLICT if it differs. */
async function findEarlier(db: Executor, actor: Actor, input: Input): Promise<string | undefined> {
  const { clientConversationId } = input
  if (clientConversationId === undefined) return undefined
  const key = { creatorId: actor.id, clientConversationId }
  const earlier = await store.conversations.findByClientKey(db, key)
  if (earlier && earlier.content_hash !== hashInput(input)) throw new SottoError('IDEMPOTENCY_CONFLICT')
  return earlier?.conversation_id
}

/** The answer to a repeated call. */
async function earlierGroup(ctx: ActorContext, db: Executor, id: string): Promise<Conversation> {
  ctx.outcome.repeated = true
  const conversation = await store.conversations.find(db, id)
  const shown =
    conversation &&
    ((await showConversation(db, conversation, ctx.actor.id, (rows) => noteDelivered(ctx, rows))) ??
      (await showLeftConversation(db, conversation, ctx.actor.id)))
  if (!shown) throw new Error(`group ${id} not found`)
  return shown
}

/** Compares the participants as given: they can no longer be resolved once they are erased. */
function hashInput({ name, participants }: Input): string {
  const refs = [...new Set(participants.map(foldUserRef))].toSorted()
  return createHash('sha256')
    .update(JSON.stringify([name, refs]))
    .digest('base64url')
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
