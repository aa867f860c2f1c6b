import { type Participant, type ParticipantRole, SottoError } from '@sotto/contract'
import { type ParticipantRow, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { requireUser } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toParticipant } from '../views/conversations.ts'
import { changeGroup, type GroupChange, requireGroupAdmin, requireGroupOwner } from './change-group.ts'
import { giveRole, transferOwnership } from './group-roles.ts'
import { joinGroup, pairsToAdd } from './join-group.ts'

/** Adds a user to a group, or changes a participant's role. Idempotent. */
export async function setParticipant(
  ctx: CallerContext,
  { conversationId, user: ref, role }: InputOf<'participants', 'set'>,
): Promise<Participant> {
  const user = await requireUser(ctx, ref, 'user')
  const result = await changeGroup(
    ctx,
    conversationId,
    'group.participant_set',
    async (change) => {
      const current = await store.participants.find(change.trx, change.group.id, user.id)
      return current ? changeRole(change, current, role) : add(ctx, change, user, role ?? 'member')
    },
    pairsToAdd(ctx, [user]),
  )
  const row = await store.users.find(ctx.app.db, user.id)
  if (!row) throw new Error(`user ${user.id} not found`)
  return toParticipant({ ...row, role: result })
}

async function add(
  ctx: CallerContext,
  change: GroupChange,
  user: Actor,
  role: ParticipantRole,
): Promise<ParticipantRole> {
  requireGroupAdmin(change)
  if (role === 'member') {
    await joinGroup(ctx, change, user, role)
    return role
  }
  requireGroupOwner(change)
  await joinGroup(ctx, change, user, 'admin')
  if (role === 'owner') await transferOwnership(change, user.id)
  return role
}

async function changeRole(
  change: GroupChange,
  current: ParticipantRow,
  role: ParticipantRole | undefined,
): Promise<ParticipantRole> {
  if (role === undefined || role === current.role) return current.role
  requireGroupOwner(change)
  if (role === 'owner') {
    await transferOwnership(change, current.user_id)
    return role
  }
  if (current.role === 'owner') {
    throw new SottoError('FORBIDDEN', { detail: 'the owner must transfer ownership first' })
  }
  await giveRole(change, current.user_id, role)
  return role
}
