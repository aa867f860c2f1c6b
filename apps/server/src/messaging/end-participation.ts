import { type ParticipantRow, store } from '@sotto/db'
import type { LockedGroup } from './change-group.ts'
import { ensureOwner } from './group-roles.ts'

/**
 * Ends a stay. The leaving user receives no events after `participant.left`. If the owner leaves, someone else becomes
 * the owner.
 */
export async function endParticipation(locked: LockedGroup, leaving: ParticipantRow): Promise<void> {
  const { trx, group, at, appendEvent } = locked
  const key = { conversationId: group.id, userId: leaving.user_id }
  const lastEventId = await appendEvent('participant.left', leaving.user_id, leaving.role)
  await store.participants.endStay(trx, key, { untilSeq: group.last_seq, lastEventId, at })
  await store.participants.changeCount(trx, group.id, -1)
  await ensureOwner(locked)
}
