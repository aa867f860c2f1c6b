import { type Executor, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { Caller } from '../auth/caller.ts'

/** The privileged actions. */
export type AuditAction =
  | 'setup.link_issued'
  | 'setup.demo_opened'
  | 'setup.admin_created'
  | 'user.profile_changed'
  | 'user.external_id_changed'
  | 'user.role_changed'
  | 'user.disabled'
  | 'user.enabled'
  | 'user.password_set'
  | 'user.password_reset_issued'
  | 'user.second_factor_removed'
  | 'user.second_factor_blocked'
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

/** Who performs an action, and in which request. Either the context of a request, or from `auditOriginOf`. */
export interface AuditOrigin {
  readonly app: Pick<Runtime, 'newId' | 'now'>
  readonly caller: Caller | { readonly kind: 'command' | 'server' }
  readonly address: string | null
  readonly requestId: string | null
}

/** The origin of actions by the server itself, or by a command, which already has full access to the database. */
export function auditOriginOf(kind: 'command' | 'server', app: AuditOrigin['app']): AuditOrigin {
  return { app, caller: { kind }, address: null, requestId: null }
}

/** The actor in the audit log: the id of a key or user; null for commands and the server itself. */
export function auditActorOf({ caller }: Pick<AuditOrigin, 'caller'>): string | null {
  return caller.kind === 'key' ? caller.keyId : caller.kind === 'user' ? caller.actor.id : null
}

/**
 * Records a privileged action in the audit log, in the transaction that performs it, so that both are committed or
 * neither.
 *
 * Rows contain only ids, no names or texts, so that erasing a user does not require changing them.
 */
export async function recordAudit(
  trx: Executor,
  { app, caller, address, requestId }: AuditOrigin,
  { action, subjectId }: { action: AuditAction; subjectId: string | null },
): Promise<void> {
  await store.audit.insert(trx, {
    id: app.newId(),
    actor_kind: caller.kind === 'anonymous' ? 'server' : caller.kind,
    actor_id: auditActorOf({ caller }),
    acting_for_id: caller.kind === 'key' ? (caller.actor?.id ?? null) : null,
    action,
    subject_id: subjectId,
    address,
    request_id: requestId,
    created_at: app.now(),
  })
}
