import { type ParticipantRole, store } from '@sotto/db'
import type { GroupTurn } from './change-group.ts'

/** Gives a role to somebody in the group, and tells everybody. */
export async function giveRole(
  { trx, group, tell }: GroupTurn,
  userId: string,
  role: ParticipantRole,
): Promise<void> {
  await store.participants.updateRole(trx, { conversationId: group.id, userId }, role)
  await tell('participant.updated', userId, role)
}

/** Makes somebody in the group its owner; who was it before is an admin then. A group has one owner at a time. */
export async function handOver(change: GroupTurn, userId: string): Promise<void> {
  const owner = await store.participants.findOwner(change.trx, change.group.id)
  if (owner === userId) return
  if (owner !== undefined) await giveRole(change, owner, 'admin')
  await giveRole(change, userId, 'owner')
}
