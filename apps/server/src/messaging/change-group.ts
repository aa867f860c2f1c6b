import { type LogType, SottoError } from '@sotto/contract'
import {
  type ConversationRow,
  type EventTransaction,
  type Executor,
  type ParticipantRole,
  store,
} from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { type AuditAction, recordAudit } from '../audit/record-audit.ts'
import { isBareKey, requireConversation, viewerOf } from '../auth/access.ts'

/** A group whose conversation lock is held. */
export interface LockedGroup {
  trx: EventTransaction
  /** The current state, read under the lock. */
  group: ConversationRow
  at: Date
  /** Appends an event for all participants. @returns the event's id. */
  appendEvent(type: LogType, userId: string | null, role?: ParticipantRole): Promise<number>
}

/** A change made by a caller. */
export interface GroupChange extends LockedGroup {
  /** The caller's role in the group; a bare service key counts as the owner. */
  role: ParticipantRole
}

/**
 * Changes a group under its conversation lock. The caller's role is read again under the lock, because it may have
 * changed. A change by a bare service key is recorded in the audit log as `action`.
 *
 * @param pairs lock keys of direct conversations to lock as well
 * @throws {SottoError} CONVERSATION_NOT_FOUND if the caller cannot see the group, FORBIDDEN for a direct conversation.
 */
export async function changeGroup<Result>(
  ctx: CallerContext,
  conversationId: string,
  action: AuditAction,
  change: (group: GroupChange) => Promise<Result>,
  pairs: readonly string[] = [],
): Promise<Result> {
  const known = await requireConversation(ctx, conversationId)
  if (known.kind === 'direct') {
    throw new SottoError('FORBIDDEN', { detail: 'the participants of a direct conversation cannot change' })
  }
  return ctx.app.write(async (trx) => {
    await store.conversations.lockMany(trx, [known.id, ...pairs])
    const group = await store.conversations.find(trx, known.id)
    const role = await roleIn(ctx, trx, known.id)
    if (!group || !role) throw new SottoError('CONVERSATION_NOT_FOUND')
    const locked = lockedGroup(trx, group, ctx.app.now())
    let isChanged = false
    const result = await change({
      ...locked,
      role,
      appendEvent(...event) {
        isChanged = true
        return locked.appendEvent(...event)
      },
    })
    if (isChanged && isBareKey(ctx)) await recordAudit(trx, ctx, { action, subjectId: group.id })
    return result
  })
}

/** Requires that the transaction holds the group's conversation lock. */
export function lockedGroup(trx: EventTransaction, group: ConversationRow, at: Date): LockedGroup {
  return {
    trx,
    group,
    at,
    appendEvent: (type, userId, detail) =>
      store.events.append(trx, {
        type,
        conversationId: group.id,
        userId,
        seq: group.last_seq,
        at,
        ...(detail && { detail }),
      }),
  }
}

async function roleIn(
  ctx: CallerContext,
  trx: Executor,
  conversationId: string,
): Promise<ParticipantRole | undefined> {
  const viewer = viewerOf(ctx)
  if (viewer === null) return isBareKey(ctx) ? 'owner' : undefined
  return (await store.participants.find(trx, conversationId, viewer))?.role
}

/** @throws {SottoError} FORBIDDEN for members. */
export function requireGroupAdmin({ role }: Pick<GroupChange, 'role'>): void {
  if (role === 'member')
    throw new SottoError('FORBIDDEN', { detail: 'only the owner and admins can do this' })
}

/** @throws {SottoError} FORBIDDEN for everyone else. */
export function requireGroupOwner({ role }: Pick<GroupChange, 'role'>): void {
  if (role !== 'owner') throw new SottoError('FORBIDDEN', { detail: 'only the owner can do this' })
}
