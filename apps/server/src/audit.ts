import { type Executor, insertAudit } from '@sotto/db'
import type { App, Context } from './context.ts'

/** What was done. A new privileged act gets its name here. */
export type AuditAction =
  | 'user.role_changed'
  | 'user.disabled'
  | 'user.enabled'
  | 'user.password_set'
  | 'user.password_reset_issued'
  | 'user.second_factor_removed'
  | 'invitation.created'
  | 'invitation.revoked'

interface Act {
  action: AuditAction
  subjectId: string | null
}

/**
 * Writes down a privileged act, in the transaction that does it: either both are there or neither is.
 *
 * Ids alone: no name, no text, so that the row stays true when the one it speaks of is erased.
 */
export async function recordAudit(
  trx: Executor,
  { app, caller, address, requestId }: Context,
  act: Act,
): Promise<void> {
  await insertAudit(trx, {
    id: app.newId(),
    actor_kind: caller.kind === 'anonymous' ? 'server' : caller.kind,
    actor_id: caller.kind === 'key' ? caller.keyId : caller.kind === 'user' ? caller.actor.id : null,
    acting_for_id: caller.kind === 'key' ? (caller.actor?.id ?? null) : null,
    action: act.action,
    subject_id: act.subjectId,
    address,
    request_id: requestId,
    created_at: app.now(),
  })
}

/** As recordAudit, for what somebody does on the command line, who is known to the machine alone. */
export async function recordCommand(trx: Executor, app: Pick<App, 'newId' | 'now'>, act: Act): Promise<void> {
  await insertAudit(trx, {
    id: app.newId(),
    actor_kind: 'command',
    actor_id: null,
    acting_for_id: null,
    action: act.action,
    subject_id: act.subjectId,
    address: null,
    request_id: null,
    created_at: app.now(),
  })
}
