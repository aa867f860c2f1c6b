import { type Participant, type ParticipantRole, SottoError } from '@sotto/contract'
import { type ParticipantRow, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { requireUser } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toParticipant } from '../views/conversations.ts'
import { changeGroup, type GroupChange, requireGroupAdmin, requireGroupOwner } from './change-group.ts'
import { ensureOwner, giveRole, transferOwnership } from './group-roles.ts'
import { joinGroup, pairsToAdd } from './join-group.ts'

/** Adds a user to a group, or changes a participant's role. Idempotent. */
export async function setParticipant(
  ctx: CallerContext,
  { conversationId, user: ref, role }: InputOf<'participants', 'set'>,
): Promise<Participant> {
  const user = await requireUser(ctx, ref, 'user')
  return changeGroup(
    ctx,
    conversationId,
    'group.participant_set',
    async (change) => {
      const { trx, group } = change
      const current = await store.participants.find(trx, group.id, user.id)
      if (current) await changeRole(change, current, role)
      else await add(ctx, change, user, role ?? 'member')
      // A service key can add people to a group that everyone has left.
      await ensureOwner(change)
      const row = await store.users.find(trx, user.id)
      const changed = await store.participants.find(trx, group.id, user.id)
      // The user may have been erased since the first check.
      if (!row || !changed) throw new SottoError('USER_NOT_FOUND')
      return toParticipant({ ...row, role: changed.role })
    },
    pairsToAdd(ctx, [user]),
  )
}

async function add(
  ctx: CallerContext,
  change: GroupChange,
  user: Actor,
  role: ParticipantRole,
): Promise<void> {
  requireGroupAdmin(change)
  if (role === 'member') return joinGroup(ctx, change, user, role)
  requireGroupOwner(change)
  await joinGroup(ctx, change, user, 'admin')
  if (role === 'owner') await transferOwnership(change, user.id)
}

async function changeRole(
  change: GroupChange,
  current: ParticipantRow,
  role: ParticipantRole | undefined,
): Promise<void> {
  if (role === undefined || role === current.role) return
  requireGroupOwner(change)
  if (role === 'owner') return transferOwnership(change, current.user_id)
  if (current.role === 'owner') {
    throw new SottoError('FORBIDDEN', { detail: 'the owner must transfer ownership first' })
  }
  await giveRole(change, current.user_id, role)
}
