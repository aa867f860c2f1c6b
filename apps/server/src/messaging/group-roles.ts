import { type ParticipantRole, store } from '@sotto/db'
import type { LockedGroup } from './change-group.ts'

/** Sets the role of a participant and appends the event. */
export async function giveRole(
  { trx, group, appendEvent }: LockedGroup,
  userId: string,
  role: ParticipantRole,
): Promise<void> {
  await store.participants.updateRole(trx, { conversationId: group.id, userId }, role)
  await appendEvent('participant.updated', userId, role)
}

/**
 * Gives a group without an owner one: the longest-standing admin, or the longest-standing member if there is no admin.
 */
export async function ensureOwner(change: LockedGroup): Promise<void> {
  const { trx, group } = change
  if ((await store.participants.findOwner(trx, group.id)) !== undefined) return
  const successor = await store.participants.findSuccessor(trx, group.id)
  if (successor) await giveRole(change, successor.user_id, 'owner')
}

/** Transfers ownership to a participant; the previous owner becomes an admin. */
export async function transferOwnership(change: LockedGroup, userId: string): Promise<void> {
  const owner = await store.participants.findOwner(change.trx, change.group.id)
  if (owner === userId) return
  if (owner !== undefined) await giveRole(change, owner, 'admin')
  await giveRole(change, userId, 'owner')
}
