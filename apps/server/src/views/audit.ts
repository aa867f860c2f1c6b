import type { AuditEntry } from '@sotto/contract'
import type { AuditRow } from '@sotto/db'

export function toAuditEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    at: row.created_at,
    actorKind: row.actor_kind,
    actorId: row.actor_id,
    actingForId: row.acting_for_id,
    action: row.action,
    subjectId: row.subject_id,
    address: row.address,
    requestId: row.request_id,
  }
}
