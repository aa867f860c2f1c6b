import { invalidInput, maxParticipants } from '@sotto/contract'
import { directKey, type Executor, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import type { Actor } from '../auth/caller.ts'
import { requireReach } from '../people/reach.ts'
import type { GroupChange } from './change-group.ts'

/**
 * The maximum number of groups that a user is in because the same user added them, or because they created them.
 * Counted for each adder, so that no one can use up what others are allowed.
 */
const MAX_GROUPS_PER_ADDER = 1_000

/**
 * How often users can add the same user to a group: what is read for a group grows with its stays. Service keys are not
 * restricted.
 */
const MAX_STAYS = 100

/**
 * Adds a user who is not in the group. The new participant receives `conversation.created`, then all participants
 * receive `participant.joined`.
 */
export async function joinGroup(
  ctx: CallerContext,
  { trx, group, at, appendEvent }: GroupChange,
  user: Actor,
  role: 'admin' | 'member',
): Promise<void> {
  if (group.participant_count >= maxParticipants) {
    throw invalidInput('user', `group is full (maximum ${maxParticipants} participants)`)
  }
  await requireMayAdd(ctx, trx, user)
  if (
    ctx.caller.kind === 'user' &&
    (await store.participants.countStays(trx, group.id, user.id)) >= MAX_STAYS
  ) {
    throw invalidInput(
      'user',
      `${user.username} was added to this group too often (maximum ${MAX_STAYS} times)`,
    )
  }
  const firstEventId = await store.events.append(trx, {
    type: 'conversation.created',
    conversationId: group.id,
    userId: user.id,
    audienceUserId: user.id,
    seq: group.last_seq,
    at,
  })
  await store.participants.insertMany(trx, [{ userId: user.id, role }], {
    conversationId: group.id,
    at,
    afterSeq: group.last_seq,
    firstEventId,
    activeAt: null,
    addedBy: ctx.actor?.id ?? null,
  })
  await store.participants.changeCount(trx, group.id, 1)
  await appendEvent('participant.joined', user.id, role)
}

/** The pairs to lock before `requireMayAdd`, so that their relationships cannot change. */
export function pairsToAdd(ctx: CallerContext, users: readonly Actor[]): string[] {
  const actor = ctx.actor
  return actor ? users.map((user) => directKey(actor.id, user.id)) : []
}

/**
 * Requires that the caller may add a user to a group. Needs the locks of `pairsToAdd`. Blocks and contacts do not
 * restrict bare service keys.
 *
 * @throws {SottoError} FORBIDDEN; INVALID_INPUT if the caller has added the user to too many groups.
 */
export async function requireMayAdd(ctx: CallerContext, trx: Executor, user: Actor): Promise<void> {
  const actor = ctx.actor
  if (actor) requireReach(ctx.app, await store.relationships.find(trx, actor.id, user.id))
  if ((await store.participants.countGroups(trx, user.id, actor?.id ?? null)) >= MAX_GROUPS_PER_ADDER) {
    throw invalidInput(
      'user',
      actor?.id === user.id
        ? `too many groups created by ${user.username} (maximum ${MAX_GROUPS_PER_ADDER})`
        : `${user.username} was added to too many groups by the same user (maximum ${MAX_GROUPS_PER_ADDER})`,
    )
  }
}
