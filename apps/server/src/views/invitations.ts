import type { Invitation } from '@sotto/contract'
import type { InvitationRow } from '@sotto/db'

export function toInvitation(row: InvitationRow): Invitation {
  return {
    id: row.id,
    uses: row.uses,
    maxUses: row.max_uses,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}
