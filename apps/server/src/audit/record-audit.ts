import { type Executor, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { Caller } from '../auth/caller.ts'

/** What was done. A new privileged act gets its name here. */
export type AuditAction =
  | 'setup.link_issued'
  | 'setup.demo_opened'
  | 'setup.admin_created'
  | 'user.profile_changed'
  | 'user.role_changed'
  | 'user.disabled'
  | 'user.enabled'
  | 'user.password_set'
  | 'user.password_reset_issued'
  | 'user.second_factor_removed'
  | 'user.erase_accepted'
  | 'user.erased'
  | 'user.exported'
  | 'user.sessions_ended'
  | 'user.conversations_listed'
  | 'conversation.inspected'
  | 'conversation.read'
  | 'invitation.created'
  | 'invitation.revoked'
  | 'key.created'
  | 'key.revoked'
  | 'webhook.created'
  | 'webhook.changed'
  | 'webhook.disabled'
  | 'webhook.deleted'
  | 'webhook.secret_rotated'
  | 'webhook.tested'
  | 'webhook.delivery_restarted'
  | 'group.renamed'
  | 'group.participant_set'
  | 'group.participant_removed'
  | 'installation.exported'
  | 'installation.imported'
  | 'installation.backed_up'

/** Who does something, and by which request: the context of one, or what stands for it where there is none. */
export interface AuditOrigin {
  readonly app: Pick<Runtime, 'newId' | 'now'>
  readonly caller: Caller | { readonly kind: 'command' | 'server' }
  readonly address: string | null
  readonly requestId: string | null
}

/** Somebody at the command line, who has the database and so needs no other right; or the server by itself. */
export function originOf(kind: 'command' | 'server', app: AuditOrigin['app']): AuditOrigin {
  return { app, caller: { kind }, address: null, requestId: null }
}

/** Who it is that the audit names: the id of a key or a user, null for a command and the server itself. */
export function auditActorOf({ caller }: Pick<AuditOrigin, 'caller'>): string | null {
  return caller.kind === 'key' ? caller.keyId : caller.kind === 'user' ? caller.actor.id : null
}

/**
 * Writes down a privileged act, in the transaction that does it: either both are there or neither is.
 *
 * Ids alone: no name, no text, so that the row stays true when the one it speaks of is erased.
 */
export async function recordAudit(
  trx: Executor,
  { app, caller, address, requestId }: AuditOrigin,
  act: { action: AuditAction; subjectId: string | null },
): Promise<void> {
  await store.audit.insert(trx, {
    id: app.newId(),
    actor_kind: caller.kind === 'anonymous' ? 'server' : caller.kind,
    actor_id: auditActorOf({ caller }),
    acting_for_id: caller.kind === 'key' ? (caller.actor?.id ?? null) : null,
    action: act.action,
    subject_id: act.subjectId,
    address,
    request_id: requestId,
    created_at: app.now(),
  })
}
