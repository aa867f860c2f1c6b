import { type ParticipantRow, store } from '@sotto/db'
import type { GroupTurn } from './change-group.ts'
import { giveRole } from './group-roles.ts'

/**
 * Ends a stay. Its event is the last one that the leaving user receives. If the owner leaves, the longest-standing
 * admin becomes the owner, or else the longest-standing member.
 */
export async function endParticipation(turn: GroupTurn, leaving: ParticipantRow): Promise<void> {
  const { trx, group, at, tell } = turn
  const key = { conversationId: group.id, userId: leaving.user_id }
  const lastEventId = await tell('participant.left', leaving.user_id, leaving.role)
  await store.participants.endStay(trx, key, { untilSeq: group.last_seq, lastEventId, at })
  await store.participants.changeCount(trx, group.id, -1)
  if (leaving.role !== 'owner') return
  const successor = await store.participants.findSuccessor(trx, group.id)
  if (successor) await giveRole(turn, successor.user_id, 'owner')
}
