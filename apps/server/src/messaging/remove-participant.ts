import { SottoError } from '@sotto/contract'
import { type ParticipantRow, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { requireUser } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { changeGroup, type GroupChange } from './change-group.ts'
import { endParticipation } from './end-participation.ts'

/** Removes a participant from a group, or lets the actor leave. Idempotent. */
export async function removeParticipant(
  ctx: CallerContext,
  { conversationId, user: ref }: InputOf<'participants', 'remove'>,
): Promise<void> {
  const user = await requireUser(ctx, ref, 'user')
  await changeGroup(ctx, conversationId, 'group.participant_removed', async (change) => {
    const leaving = await store.participants.find(change.trx, change.group.id, user.id)
    if (user.id !== ctx.actor?.id) requireMayRemove(change, leaving)
    if (leaving) await endParticipation(change, leaving)
  })
}

function requireMayRemove({ role }: GroupChange, leaving: ParticipantRow | undefined): void {
  if (role === 'owner') return
  if (role === 'admin' && (leaving === undefined || leaving.role === 'member')) return
  throw new SottoError('FORBIDDEN', {
    detail: 'only the owner can remove admins, and only the owner and admins can remove members',
  })
}
