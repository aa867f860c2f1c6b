import { sql } from 'kysely'
import { type Executor, statement } from '../statement.ts'
import type { TimePosition } from './inbox.ts'
import { isUuid } from './users.ts'

export interface InvitationRow {
  id: string
  uses: number
  max_uses: number
  created_at: Date
  expires_at: Date
}

export async function insert(
  db: Executor,
  { tokenHash, ...invitation }: InvitationRow & { tokenHash: string },
): Promise<void> {
  await db
    .insertInto('invitations')
    .values({ ...invitation, token_hash: tokenHash })
    .execute()
}

const invitationPage = statement((db, p: { beforeAt: Date; beforeId: string; limit: number }) =>
  db
    .selectFrom('invitations')
    .select(['id', 'uses', 'max_uses', 'created_at', 'expires_at'])
    .where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(p.beforeAt, p.beforeId)))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(p.limit),
)

/** All invitations that were not revoked, newest first. */
export async function list(db: Executor, before: TimePosition, limit: number): Promise<InvitationRow[]> {
  return invitationPage(db, { beforeAt: before.at, beforeId: before.id, limit })
}

/** @returns false if it does not exist. */
export async function remove(db: Executor, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  const deleted = await db.deleteFrom('invitations').where('id', '=', id).returning('id').executeTakeFirst()
  return deleted !== undefined
}

const usableInvitation = statement((db, p: { tokenHash: string; now: Date }) =>
  db
    .selectFrom('invitations')
    .select('id')
    .where('token_hash', '=', p.tokenHash)
    .where('expires_at', '>', p.now)
    .whereRef('uses', '<', 'max_uses'),
)

/** Whether an invitation can be used now. */
export async function isUsable(db: Executor, tokenHash: string, now: Date): Promise<boolean> {
  return (await usableInvitation(db, { tokenHash, now })).length > 0
}

/**
 * Uses an invitation once, atomically, so never more often than allowed. @returns false if it can no longer be used.
 */
export async function take(db: Executor, tokenHash: string, now: Date): Promise<boolean> {
  const taken = await db
    .updateTable('invitations')
    .set({ uses: sql<number>`uses + 1` })
    .where('token_hash', '=', tokenHash)
    .where('expires_at', '>', now)
    .whereRef('uses', '<', 'max_uses')
    .returning('id')
    .executeTakeFirst()
  return taken !== undefined
}
